#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// What the decoder's alignment heads look at while it reads a text.
struct TokenAttention {
  std::size_t n_heads = 0;
  std::size_t n_tokens = 0;
  std::size_t n_frames = 0;   ///< of the encoder, 20 ms each
  std::vector<float> scores;  ///< before softmax, [n_heads, n_tokens, n_frames]
  std::size_t n_vocab = 0;
  std::span<const float> logits;  ///< [number of positions asked, n_vocab], valid until the next call
};

/// Feeds a whole text to the decoder about the window that was encoded last.
class Aligner {
 public:
  virtual ~Aligner() = default;
  virtual TokenAttention attend(std::span<const TokenId> tokens,
                                std::span<const std::int64_t> logit_positions) = 0;
};

/// A word, its tokens and when it is said, s from the start of the window.
struct WordTiming {
  std::string word;
  std::vector<TokenId> tokens;
  double start_s = 0.0;
  double end_s = 0.0;
  double probability = 0.0;  ///< mean over its tokens
};

/// Aligns text tokens with a window of which n_frames mel frames are audio: dynamic time warping over the
/// normalised, median-filtered attention. Words in order, the end of the text left out.
/// `sot_sequence` is what the window was decoded behind, without <|notimestamps|>.
/// Source: openai/whisper 20250625, timing.py, find_alignment.
std::vector<WordTiming> find_alignment(Aligner& aligner,
                                       const Vocabulary& vocabulary,
                                       std::span<const TokenId> sot_sequence,
                                       std::span<const TokenId> text_tokens,
                                       std::size_t n_frames,
                                       const std::string& language);

}  // namespace sotto::transcribe
