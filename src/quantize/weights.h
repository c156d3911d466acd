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

/// How the values of a weight become integers.
struct WeightScheme {
  bool symmetric = true;
  bool per_channel = true;
  /// Of symmetric ones: the same steps counted with 7 bits on twice the range, so that u8 × i8 products of
  /// two neighbours fit 16 bits.
  bool half_range = false;
};

/// The range of each output channel of a weight, or of all together.
struct WeightRange {
  std::vector<float> low;  ///< one for each index of the weight's channel axes, or one
  std::vector<float> high;
  std::size_t levels = 255;  ///< 256 of an asymmetric range
  ov::Shape shape;           ///< of low and high: the weight's rank, 1 on other axes; or none
};

/// Of symmetric ranges, channels of zeros take 1 % of the widest channel's range.
/// Source: NNCF 3.4.0, quantization/fake_quantize.py, symmetric_range(), asymmetric_range() and
/// _calculate_scaled_parameters().
WeightRange weight_range(std::span<const float> values,
                         const Weight& weight,
                         const WeightScheme& scheme = {});

/// Integers of a weight, and what gives the values back: value ≈ scale[channel] * (integer -
/// zero_point[channel]).
struct QuantizedWeight {
  std::vector<std::int8_t> integers;
  std::vector<float> scale;       ///< [n_channels]
  std::vector<float> zero_point;  ///< [n_channels] whole numbers, all 0 of a symmetric range
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
