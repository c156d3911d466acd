#pragma once

#include <memory>
#include <span>
#include <vector>

#include "quantize/graph_analysis.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

inline constexpr double kFullThreshold = 1000.0;  ///< NNCF's

/// Adds to each layer's bias what its mean output over the replayed samples lacks against that in `fp`, where
/// the layers before it have quantized weights and corrected biases and activations are not quantized. Layers
/// that do not depend on each other are corrected together: a model that ends with them is compiled, replayed
/// in f32 and dropped, so memory is that of one model and the time that of half of them a step.
///
/// `quantized` is the model that `graph` and `layers` are of, with its quantizers in place; its biases are
/// replaced. A layer whose |shift / bias| reaches the threshold for a channel is left as it is. Source: NNCF
/// 3.4.0, algorithms/bias_correction/algorithm.py, with the mean of the same samples on both sides.
std::vector<StepReport> correct_biases_in_turn(const std::shared_ptr<ov::Model>& fp,
                                               const std::shared_ptr<ov::Model>& quantized,
                                               const InferenceGraph& graph,
                                               std::span<const Weight> layers,
                                               double threshold,
                                               const Replay& replay,
                                               const Progress& progress);

}  // namespace sotto::quantize
