#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quantize/graph_analysis.h"

namespace sotto::quantize {

/// Threads at work on several layers, at most: each holds one weight in f32.
inline constexpr std::size_t kMaxThreads = 8;

/// A weight's values in f32, in the order of its shape. With `input_scale` ([channels] or empty) each is
/// multiplied by the scale of its input channel and rounded to the constant's own type, f16 saturating.
std::vector<float> weight_values(const Weight& weight, std::span<const float> input_scale = {});

/// Largest magnitude for each index along `axis`, over all other axes.
std::vector<float> max_abs_along(std::span<const float> values, const ov::Shape& shape, std::size_t axis);

/// Sum of squares for each index along `axis`, over all other axes.
std::vector<float> sum_squares_along(std::span<const float> values, const ov::Shape& shape, std::size_t axis);

/// The symmetric range of each output channel of a weight.
struct WeightRange {
  std::vector<float> low;  ///< [n_channels], one for each index of the weight's channel axes
  std::vector<float> high;
  std::size_t levels = 255;
  ov::Shape shape;  ///< of low and high: the weight's rank, 1 on other axes
};

/// half_range: the same steps counted with 7 bits on twice the range, so that u8 × i8 products of two
/// neighbours fit 16 bits. Channels of zeros take 1 % of the widest channel's range.
/// Source: NNCF 3.4.0, quantization/fake_quantize.py, symmetric_range() and _calculate_scaled_parameters().
WeightRange weight_range(std::span<const float> values, const Weight& weight, bool half_range);

/// Integers of a weight, and the scale that gives the values back: value ≈ scale[channel] * integer.
struct QuantizedWeight {
  std::vector<std::int8_t> integers;
  std::vector<float> scale;  ///< [n_channels]
};

/// Source: OpenVINO 2026.4, CompressQuantizeWeights, in its order of f32 operations.
QuantizedWeight quantize_weight(std::span<const float> values,
                                const Weight& weight,
                                const WeightRange& range);

/// Signal to quantization noise of a weight, dB; infinite where nothing is lost.
double sqnr_db(std::span<const float> values, const Weight& weight, const QuantizedWeight& quantized);

/// The layer's output for one input position: for each output channel the sum over all other axes of value *
/// input, where input is row-major over those axes. In f64.
std::vector<double> dot(std::span<const float> values, std::span<const float> input, const Weight& weight);
/// The same with the values that the integers stand for.
std::vector<double> dot(const QuantizedWeight& quantized, std::span<const float> input, const Weight& weight);

/// Throw Error(bad_format) naming the node.
void refuse_quantized_model(const InferenceGraph& graph);
void refuse_weights_not_finite(const InferenceGraph& graph);

}  // namespace sotto::quantize
