#pragma once

#include <cstddef>
#include <span>

#include "quantize/graph_analysis.h"

namespace sotto::quantize {

/// Multiplies the channels of `tensor` along `axis` by `factor` inside the operations that make it: the gain
/// and offset of a normalization, Multiply then Add with constants that nothing else reads. The constants
/// become f32. False, and nothing changed, if the tensor is not made that way.
bool fold_channel_factors(const Tensor& tensor, std::size_t axis, std::span<const float> factor);

}  // namespace sotto::quantize
