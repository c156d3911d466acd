#pragma once

#include <span>

#include "quantize/graph_analysis.h"
#include "quantize/smooth_quant.h"
#include "quantize/weights.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// Adds to a layer's bias what quantizing its weight and its input takes from the mean of each output
/// channel. The weight's part follows from the mean input, as in fast bias correction; the input's from
/// tokens that were kept, quantized as the layer's FakeQuantize does. A channel is changed only if that
/// lowers its mean error for those tokens. A layer without a bias gets one if that takes away a share of the
/// error worth an addition.
///
/// `values` are the weight's values before quantization; the layer's input is quantized already. Nothing is
/// reported of layers that have no bias and need none.
void correct_bias_per_channel(const InferenceGraph& graph,
                              const StatisticsMap& statistics,
                              const Weight& weight,
                              std::span<const float> values,
                              const QuantizedWeight& quantized,
                              std::vector<StepReport>& reports);

}  // namespace sotto::quantize
