#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "sotto/evaluate.h"

namespace sotto::evaluate {

/// A figure of the utterances at `indices` (any may repeat); nullopt where it is not defined for them.
using Statistic = std::function<std::optional<double>(std::span<const std::size_t> indices)>;

/// `statistic` of resamples of 0 .. n-1 with replacement, ascending; the same draws at every call, so that
/// the figures of two models can be paired. Draws for which it is not defined are left out.
///
/// Source: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation",
/// ICASSP 2004.
std::vector<double> bootstrap(std::size_t n, const Statistic& statistic);

/// The 2.5th to the 97.5th percentile of ascending values; nullopt for none, and for fewer than two
/// utterances.
std::optional<Interval> percentile_interval(std::span<const double> ascending);

/// Value at `fraction` (0 to 1) of ascending values, linearly interpolated; values.size() > 0.
double percentile(std::span<const double> ascending, double fraction);

/// The interval of a model's word accuracy, percent.
std::optional<Interval> accuracy_interval(const Measurement& measurement);
/// The interval of a model's chrF.
std::optional<Interval> chrf_interval(const Measurement& measurement);
/// The drop of `other`'s word accuracy against `first`'s, utterance by utterance; nullopt where there are no
/// words. Both hold the same utterances in the same order.
std::optional<AccuracyDrop> accuracy_drop(const Measurement& first, const Measurement& other);

}  // namespace sotto::evaluate
