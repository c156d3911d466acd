#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Logits of several rows, row-major [n_rows, n_vocab]; a view.
struct LogitRows {
  std::span<float> values;
  std::size_t n_vocab = 0;

  std::size_t n_rows() const { return n_vocab == 0 ? 0 : values.size() / n_vocab; }
  std::span<float> operator[](std::size_t row) const { return values.subspan(row * n_vocab, n_vocab); }
};

/// A token sequence that is still growing.
struct OpenRow {
  std::vector<TokenId> tokens;  ///< since the prompt
  float sum_logprob = 0.0F;     ///< float32 as in the reference, so that near ties fall the same way
  std::int32_t source = 0;      ///< which row of the last update it continues: beam_idx of the next inference
};

/// A finished sequence, without its end-of-text token.
struct Candidate {
  std::vector<TokenId> tokens;
  double sum_logprob = 0.0;  ///< the end-of-text token's included where the model chose it
};

/// Chooses tokens for the rows of one window. The sequence of calls is update* finalize; the rows fed to
/// the model between two updates are open_rows(), which begins as one empty row.
/// Source: openai/whisper 20250625, decoding.py, TokenDecoder.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  /// Extends the open rows by one token. `logits` holds a row for each, filtered. Throws Error(bad_format)
  /// for logits that are not numbers.
  virtual void update(const LogitRows& logits) = 0;
  /// Everything found so far, unfinished rows cut where they are. Never empty after an update.
  virtual std::vector<Candidate> finalize() const = 0;

  const std::vector<OpenRow>& open_rows() const { return open_rows_; }
  bool completed() const { return completed_; }

 protected:
  std::vector<OpenRow> open_rows_{1};
  bool completed_ = false;
};

/// log Σ exp of a row, checked. Throws Error(bad_format) where it is not a number.
float checked_log_sum_exp(std::span<const float> logits);

}  // namespace sotto::transcribe
