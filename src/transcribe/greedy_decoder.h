#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "transcribe/random.h"
#include "transcribe/token_decoder.h"

namespace sotto::transcribe {

/// The likeliest token at temperature 0, otherwise n_samples independent draws from
/// softmax(logits / temperature). A row is closed at its first end-of-text token.
///
/// Every sample has its own random stream, made of `seed`, temperature and its index: the same call gives
/// the same text, whatever else was decoded before.
class GreedyDecoder final : public TokenDecoder {
 public:
  GreedyDecoder(double temperature, std::size_t n_samples, TokenId eot, std::uint64_t seed);
  void update(const LogitRows& logits) override;
  std::vector<Candidate> finalize() const override;

 private:
  /// Chooses a token of `logits` for a sample, whose log Σ exp is `normaliser`, and adds it to `row`.
  TokenId extend(OpenRow& row, std::span<const float> logits, float normaliser, std::size_t sample);

  double temperature_;
  TokenId eot_;
  std::vector<Random> random_;         // of each sample
  std::vector<Candidate> candidates_;  // of each sample; tokens empty while it is open
  std::vector<std::size_t> sample_of_row_;
};

}  // namespace sotto::transcribe
