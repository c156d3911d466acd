#pragma once

#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/smooth_quant.h"
#include "quantize/weights.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// Adds to a layer's bias what quantizing its weight takes from the mean output, computed from the mean input
/// alone: a layer is linear, so no inference is needed. The shift is applied to the whole bias or, where one
/// channel's |shift / bias| reaches the threshold or a bias is 0, not at all.
/// `values` are the weight's values before quantization. Source: NNCF 3.4.0,
/// algorithms/fast_bias_correction/algorithm.py, in the closed form.
StepReport correct_bias(const InferenceGraph& graph,
                        const StatisticsMap& statistics,
                        const Weight& weight,
                        std::span<const float> values,
                        const QuantizedWeight& quantized,
                        double threshold);

/// Layers that can be corrected: Convolution and MatMul with a bias.
bool is_bias_correctable(const InferenceGraph& graph, const Weight& weight);

}  // namespace sotto::quantize
