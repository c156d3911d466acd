#pragma once

#include <optional>
#include <span>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/smooth_quant.h"
#include "quantize/weights.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// What is to be added to a layer's bias, channel by channel.
struct ChannelShift {
  std::vector<float> values;  ///< [output channels]
  std::optional<Bias> bias;   ///< nullopt: the layer has none and gets one
  StepReport report;          ///< done: the values are to be added
};

/// What quantizing a layer's weight and its input takes from the mean of each output channel. The weight's
/// part follows from the mean input, as in fast bias correction; the input's from tokens that were kept,
/// quantized as the layer's FakeQuantize does, each as often as it was seen. A channel is changed only if
/// that lowers its mean error for those tokens. A layer without a bias gets one if that takes away a share of
/// the error worth an addition; nullopt where there is nothing to say of it.
///
/// `values` are the weight's values before quantization; the layer's input is quantized already.
std::optional<ChannelShift> channel_shift(const InferenceGraph& graph,
                                          const StatisticsMap& statistics,
                                          const Weight& weight,
                                          std::span<const float> values,
                                          const QuantizedWeight& quantized);

/// Changes the graph as channel_shift() says.
void add_channel_shift(const Weight& weight, const ChannelShift& shift);

}  // namespace sotto::quantize
