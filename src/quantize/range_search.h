#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quantize/min_max.h"

namespace sotto::quantize {

/// What a range is judged by: tokens of a tensor, and how much an error of each channel weighs behind it.
struct RangeSample {
  std::vector<std::vector<float>> tokens;  ///< each [n_channels], as the quantizer sees them
  std::vector<float> importance;           ///< [n_channels]: sum over the layers' outputs of weight^2
  std::vector<std::uint64_t> counts = {};  ///< how often each token counts; empty: all alike
};

/// Sum over tokens and channels of count * importance * (value - quantized value)^2: what 256 levels on the
/// range cost in the outputs of the layers behind, taking the channels' errors as independent.
double quantization_error(const RangeSample& sample, float low, float high);

/// The range that costs least. Each end is tried at several shares, from 0.1 to 3, of the distance from 0
/// that it has in `wide` (one value each).
Range search_range(const RangeSample& sample, const Extremes& wide, bool symmetric);

}  // namespace sotto::quantize
