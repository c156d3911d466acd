#pragma once

// What readers of encoders and decoders have in common: a graph's nodes as the layers they are part of.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openvino/core/node.hpp>
#include <openvino/op/constant.hpp>

#include "engine/linear.h"

namespace sotto::engine {

using Value = ov::Output<ov::Node>;
using ov::op::v0::Constant;

/// Why a graph cannot be read; never leaves this room.
struct Otherwise {
  std::string reason;
};

/// read(), or nothing and the reason.
template <typename Read>
auto unless_otherwise(std::string& why_not, const Read& read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Otherwise& otherwise) {
    why_not = otherwise.reason;
    return std::nullopt;
  }
}

/// Throws Otherwise about the node of a value.
[[noreturn]] void refuse(const Value& value, const std::string& reason);
[[noreturn]] void refuse_kind(const Value& value, const std::string& expected);

template <typename Op>
std::shared_ptr<Op> as(const Value& value) {
  return ov::as_type_ptr<Op>(value.get_node_shared_ptr());
}

/// Throws Otherwise where it is another operation.
template <typename Op>
std::shared_ptr<Op> expect(const Value& value, const std::string& what) {
  auto op = as<Op>(value);
  if (!op) {
    refuse_kind(value, what);
  }
  return op;
}

/// The constant behind conversions between floating-point types; null for anything else.
std::shared_ptr<Constant> constant_of(Value value);
/// Its values; throws Otherwise if they are not n.
std::vector<float> floats(const Value& value, std::size_t n);

/// A node with two inputs as what is computed and the constant.
struct WithConstant {
  Value value;
  Value constant;
};
template <typename Op>
std::optional<WithConstant> with_constant(const Value& value) {
  if (!as<Op>(value)) {
    return std::nullopt;
  }
  const Value a = value.get_node()->input_value(0);
  const Value b = value.get_node()->input_value(1);
  if (constant_of(b)) {
    return WithConstant{a, b};
  }
  return constant_of(a) ? std::optional(WithConstant{b, a}) : std::nullopt;
}

/// Behind what only arranges values anew: head by head or token by token.
Value arranged(Value value);

/// A weight of a product or a convolution, or a table of tokens: [n_out, ...].
struct Weight {
  std::shared_ptr<Constant> constant;
  std::vector<float> scale;
  std::vector<float> zero_point;

  WeightValues values(const InputForm& input) const;
  bool is_integer() const { return !constant->get_element_type().is_real(); }
  bool has_zero_points() const;
  /// The values that are stood for, [n_out, n_in].
  std::vector<float> floats() const;
  WeightStore store(const InputForm& input) const;
};

Weight read_weight(Value operand, std::size_t n_dims = 2);

/// Takes 8-bit rounding off; `source` moves to what is behind it.
InputForm read_levels(Value& source);
/// The same, and a scale of each of n_in values before it.
InputForm read_form(Value& source, std::size_t n_in);

/// Of what attention reads: takes the order of heads and 8-bit rounding off.
InputForm read_attended(Value& value);

/// What is added up of constants, [n]; `value` moves to what they are added to.
std::vector<float> read_bias(Value& value, std::size_t n);

/// Takes a multiplication by one number off; 1 where there is none.
float read_factor(Value& value);

/// A linear layer and what it is fed with.
struct ReadLinear {
  Linear linear;
  Value source;
};

/// [factor ·] ([factor ·] weight · form(source) [+ bias]).
ReadLinear read_linear(Value value, float factor = 1.0F);

/// Layer normalization over n_state values; `source` becomes what is normalized.
Norm read_norm(const Value& value, std::size_t n_state, Value& source);
/// The norm that a layer reads, and that reads x itself.
Norm norm_of(const Value& normed, const Value& x, std::size_t n_state);

/// Throws Otherwise where a layer reads anything else.
ReadLinear expect_of(ReadLinear linear, const Value& source);

/// x and what a block of the layer adds to it.
struct Residual {
  Value x;
  Value added;
};
Residual read_residual(const Value& value);

/// What is fed to Gelu, by the error function.
Value before_gelu(const Value& value);

/// The block that ends at x, which moves to where it begins.
FeedForward read_feed_forward(Value& x, std::size_t n_state);

/// softmax(q · kᵀ + mask) · v, and the factor of q · kᵀ.
struct Attention {
  Value query;
  Value key;
  Value value;
  float factor = 1.0F;
};
Attention read_attention(const Value& value);

}  // namespace sotto::engine
