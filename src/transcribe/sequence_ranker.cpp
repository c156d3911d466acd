#include "transcribe/sequence_ranker.h"

#include <algorithm>
#include <cmath>

namespace sotto::transcribe {
namespace {

double score(const Candidate& candidate, std::optional<double> length_penalty) {
  const auto length = static_cast<double>(std::max<std::size_t>(candidate.tokens.size(), 1));
  const double penalty = length_penalty ? std::pow((5.0 + length) / 6.0, *length_penalty) : length;
  return candidate.sum_logprob / penalty;
}

}  // namespace

std::size_t rank_by_likelihood(std::span<const Candidate> candidates, std::optional<double> length_penalty) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    if (score(candidates[i], length_penalty) > score(candidates[best], length_penalty)) {
      best = i;
    }
  }
  return best;
}

}  // namespace sotto::transcribe
