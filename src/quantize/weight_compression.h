#pragma once

#include <string>

#include "quantize/graph_analysis.h"
#include "quantize/weights.h"

namespace sotto::quantize {

/// A weight stored as i8: Constant i8 → Convert → Subtract of zero points, where there are any → Multiply by
/// scales. `name` becomes the Multiply's; scale_shape is that of the weight's range. Source: OpenVINO 2026.4,
/// CompressQuantizeWeights.
ov::Output<ov::Node> compressed_weight(const Weight& weight,
                                       const QuantizedWeight& quantized,
                                       const ov::Shape& scale_shape,
                                       const std::string& name);

/// A weight stored in floating point in the constant's own type, for a FakeQuantize or none behind it.
ov::Output<ov::Node> float_weight(const Weight& weight, std::span<const float> values);

/// FakeQuantize of a weight with the range of each channel.
ov::Output<ov::Node> fake_quantized_weight(const ov::Output<ov::Node>& weight,
                                           const WeightRange& range,
                                           const std::string& name);

}  // namespace sotto::quantize
