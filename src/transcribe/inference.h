#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sotto/audio.h"
#include "transcribe/token_decoder.h"

namespace sotto::transcribe {

/// Logits behind a prompt: of the token that follows it, [1, n_vocab], and of the one that follows the
/// prompt's token at a chosen position, [n_vocab].
struct PromptLogits {
  LogitRows next;
  std::span<const float> at_position;
};

/// What decoding asks of a model. The sequence of calls is (encode (start step*)*)*: a window is encoded
/// once however often it is decoded. Returned logits may be written to and are valid until the next call.
class Inference {
 public:
  virtual ~Inference() = default;
  /// Hears a window of log-mel [n_mels, kWindowFrames]; what follows is about it.
  virtual void encode(const audio::LogMel& window) = 0;
  /// Forgets earlier tokens and feeds a prompt as row 0. Both results may be the same memory.
  virtual PromptLogits start(std::span<const TokenId> prompt, std::size_t position) = 0;
  /// Feeds one token a row, row r going on where row source_rows[r] of the call before ended; returns
  /// [n_rows, n_vocab].
  virtual LogitRows step(std::span<const TokenId> tokens, std::span<const std::int32_t> source_rows) = 0;
};

/// Logits behind the prompts of a batch, [n_windows, n_vocab] each.
struct BatchLogits {
  LogitRows next;
  LogitRows at_position;
};

/// What decoding several windows at once asks of a model. The sequence of calls is
/// (begin_batch (add | encode start)* (start_all step* | choose (start step*)*)*)*.
class BatchInference : public Inference {
 public:
  /// Begins a batch of at most n_windows.
  virtual void begin_batch(std::size_t n_windows) = 0;
  /// Hears a window of the batch, as encode() does. In between others may be encoded, for their language.
  virtual void add(const audio::LogMel& window) = 0;
  /// Feeds prompts of one length, row-major [n_windows, length], row r about window r. In the steps that
  /// follow every row keeps its window. Where drops_rows(), steps may leave rows out for good; source_rows
  /// then names each row at most once, and row r itself where it is not left out and r < n_rows.
  virtual BatchLogits start_all(std::span<const TokenId> prompts, std::size_t position) = 0;
  virtual bool drops_rows() const = 0;
  /// Makes one of the windows that were added the one that start() is about.
  virtual void choose(std::size_t window) = 0;
};

}  // namespace sotto::transcribe
