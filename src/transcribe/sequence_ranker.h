#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "transcribe/token_decoder.h"

namespace sotto::transcribe {

/// Index of the candidate with the best log-probability per length; the first among equals.
///
/// The length is the number of tokens or, with `length_penalty` alpha in 0..1, ((5 + n) / 6)^alpha (Wu et
/// al., arXiv:1609.08144, equation 14). A sequence of no tokens counts as one.
/// Source: openai/whisper 20250625, decoding.py, MaximumLikelihoodRanker.
std::size_t rank_by_likelihood(std::span<const Candidate> candidates, std::optional<double> length_penalty);

}  // namespace sotto::transcribe
