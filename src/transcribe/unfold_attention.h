#pragma once

#include <openvino/core/model.hpp>

namespace sotto::transcribe {

/// Writes each ScaledDotProductAttention whose mask is 0 and whose scale is 1 out as two products with a
/// softmax between them, and returns how many there were.
///
/// With quantized Q and K the CPU plugin runs either form as one INT8 kernel, but only of this one it takes
/// the transpose of K in as well. Only for graphs that keep no state: in a decoder the operation and its
/// cache are one.
std::size_t unfold_attention(ov::Model& model);

}  // namespace sotto::transcribe
