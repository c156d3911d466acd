#pragma once

#include <span>
#include <string>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/smooth_quant.h"
#include "quantize/weights.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

inline constexpr double kFastThreshold = 2.0;  ///< NNCF's

/// Adds a weight_shift() to a layer's bias: to the whole bias or, where one channel's |shift / bias| reaches
/// the threshold or a bias is 0, not at all. `reason` says why the shift is empty, where it is. Source: NNCF
/// 3.4.0, algorithms/fast_bias_correction/algorithm.py.
StepReport correct_bias(const InferenceGraph& graph,
                        const Weight& weight,
                        const std::vector<float>& shift,
                        std::string reason,
                        double threshold);

/// The tensor a layer's statistics are of: its input with the FakeQuantize taken off.
Tensor observed_input(const Weight& weight);

/// What a layer's weights are multiplied with if every position of its input holds the channels' `mean`: that
/// itself for MatMul; for Convolution [input channels, kernel taps], less where taps meet padding.
std::vector<float> as_operand(const Weight& weight, std::vector<float> mean, const SiteStatistics& observed);

/// Where the mean output of a convolution with its own weights is taken from; of MatMul both are the same.
enum class MeanOutput {
  observed,        ///< by calibration: NNCF's, which in bf16 has the rounding of the weights in it
  from_mean_input  ///< as the one with quantized weights is
};

/// Mean output of a layer with its own weights less that with quantized ones; of each output channel. From
/// the mean input alone: a layer is linear, so no inference is needed. `values` are the weight's values
/// before quantization. Empty, with a reason, if it is not known. Source: as correct_bias(), in the closed
/// form.
std::vector<float> weight_shift(const StatisticsMap& statistics,
                                const Weight& weight,
                                std::span<const float> values,
                                const QuantizedWeight& quantized,
                                MeanOutput mean_output,
                                std::string& reason);

/// The statistics of a layer's input along its channels; nullptr, with a reason, if the layer is not one
/// whose mean output follows from them.
const TensorStatistics* linear_input(const StatisticsMap& statistics,
                                     const Weight& weight,
                                     std::string& reason);

void replace_bias(const Bias& bias, const std::vector<float>& values);

/// Layers that can be corrected: Convolution and MatMul with a bias.
bool is_bias_correctable(const InferenceGraph& graph, const Weight& weight);

}  // namespace sotto::quantize
