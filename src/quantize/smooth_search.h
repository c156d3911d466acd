#pragma once

#include <span>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/statistics.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// Whether search_smoothing() can judge layers: MatMul weights of two axes, and kept tokens of their input.
bool can_search_smoothing(const std::vector<const Weight*>& weights, const SiteStatistics& observed);

/// Smoothing scales of a group of layers, [n_channels]: as the weights are multiplied with them and the
/// tensor divided; empty: no smoothing.
///
/// Candidates are `usual` (empty: none), no smoothing, and activation^alpha / weight^(1 - alpha) for several
/// alphas. Each is judged by the squared error of a sample of the layers' outputs for kept tokens, with input
/// in u8 at its best range and weights in i8. The best for one half of the tokens is taken if it is clearly
/// better than `usual` for the other half too; else `usual`.
std::vector<float> search_smoothing(const std::vector<const Weight*>& weights,
                                    const SiteStatistics& observed,
                                    const std::vector<float>& usual,
                                    const QuantizeOptions& options);

}  // namespace sotto::quantize
