#pragma once

#include <cstddef>
#include <string_view>

#include <openvino/core/node.hpp>

namespace sotto::quantize {

// What is known about operation types, for the CPU plugin. Source: NNCF 3.4.0,
// common/hardware/setups/cpu.py and openvino/graph/metatypes/groups.py.

/// The operation's type name as IgnoredScope::types spells it, for example "MatMul".
std::string_view type_name(const ov::Node& node);

/// Convolution of any kind or MatMul: layers whose weights an INT8 kernel multiplies.
bool is_convolution(const ov::Node& node);
bool is_matmul(const ov::Node& node);
/// GroupConvolution with one input channel a group; false where channels are dynamic.
bool is_depthwise_convolution(const ov::Node& node);
bool is_attention(const ov::Node& node);

/// A type that can have weights: a Constant operand quantized by itself.
bool can_have_weights(const ov::Node& node);

/// A quantized input makes the operation itself run on integers.
bool is_quantizable(const ov::Node& node);

/// The operation moves values and computes nothing, so a quantizer of its output may as well sit above it.
bool is_agnostic(const ov::Node& node);

/// An agnostic operation whose output holds exactly the values of its first input.
bool keeps_all_values(const ov::Node& node);

/// Left alone in a transformer although quantizable: layer normalization, residual sums, scales.
bool is_ignored_in_transformers(const ov::Node& node);

/// Binary operation element by element.
bool is_elementwise(const ov::Node& node);

}  // namespace sotto::quantize
