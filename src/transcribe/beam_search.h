#pragma once

#include <cstddef>
#include <vector>

#include "transcribe/token_decoder.h"

namespace sotto::transcribe {

/// Keeps the beam_size likeliest sequences until round(beam_size * patience) of them have ended.
/// Source: openai/whisper 20250625, decoding.py, BeamSearchDecoder; patience: arXiv:2204.05424.
class BeamSearchDecoder final : public TokenDecoder {
 public:
  BeamSearchDecoder(std::size_t beam_size, double patience, TokenId eot);
  void update(const LogitRows& logits) override;
  std::vector<Candidate> finalize() const override;

 private:
  std::size_t beam_size_;
  std::size_t max_candidates_;
  TokenId eot_;
  std::vector<Candidate> finished_;
};

}  // namespace sotto::transcribe
