#include "engine/read_graph.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/add.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/gelu.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/mvn.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/subtract.hpp>
#include <openvino/op/transpose.hpp>

namespace sotto::engine {

void refuse(const Value& value, const std::string& reason) {
  throw Otherwise{fmt::format("{} {}", value.get_node()->get_friendly_name(), reason)};
}

void refuse_kind(const Value& value, const std::string& expected) {
  refuse(value, fmt::format("is {} where {} is read", value.get_node()->get_type_name(), expected));
}

std::shared_ptr<Constant> constant_of(Value value) {
  while (as<ov::op::v0::Convert>(value) && value.get_node()->get_input_element_type(0).is_real()) {
    value = value.get_node()->input_value(0);
  }
  return as<Constant>(value);
}

std::vector<float> floats(const Value& value, std::size_t n) {
  const auto constant = constant_of(value);
  if (!constant || ov::shape_size(constant->get_shape()) != n) {
    refuse(value, fmt::format("is no constant of {} values", n));
  }
  return constant->cast_vector<float>();
}

Value arranged(Value value) {
  while (as<ov::op::v1::Reshape>(value) || as<ov::op::v1::Transpose>(value)) {
    if (as<ov::op::v1::Transpose>(value)) {
      const auto order = as<Constant>(value.get_node()->input_value(1));
      if (!order || order->cast_vector<std::int64_t>() != std::vector<std::int64_t>{0, 2, 1, 3}) {
        refuse(value, "arranges its values otherwise");
      }
    }
    value = value.get_node()->input_value(0);
  }
  return value;
}

WeightValues Weight::values(const InputForm& input) const {
  const ov::Shape& shape = constant->get_shape();
  return {store(input),
          constant->get_data_ptr(),
          shape[0],
          ov::shape_size(shape) / shape[0],
          scale,
          zero_point,
          constant->get_element_type() == ov::element::u8};
}

bool Weight::has_zero_points() const {
  return !zero_point.empty() || constant->get_element_type() == ov::element::u8;
}

std::vector<float> Weight::floats() const {
  std::vector<float> all = constant->cast_vector<float>();
  const std::size_t n_in = constant->get_shape()[1];
  for (std::size_t i = 0; i < all.size() && is_integer(); ++i) {
    const std::size_t row = i / n_in;
    all[i] = (all[i] - (zero_point.empty() ? 0.0F : zero_point[row])) * scale[row];
  }
  return all;
}

WeightStore Weight::store(const InputForm& input) const {
  const auto type = constant->get_element_type();
  if (is_integer()) {
    return input.is_quantized ? WeightStore::int8 : WeightStore::int8_weights;
  }
  if (type == ov::element::f16) {
    return WeightStore::f16;
  }
  return type == ov::element::bf16 ? WeightStore::bf16 : WeightStore::f32;
}

namespace {

/// The constant that is converted from integers; null for anything else.
std::shared_ptr<Constant> integers_of(const Value& value) {
  const auto convert = as<ov::op::v0::Convert>(value);
  auto constant = convert ? as<Constant>(convert->input_value(0)) : nullptr;
  const bool is_8_bits = constant && (constant->get_element_type() == ov::element::i8 ||
                                      constant->get_element_type() == ov::element::u8);
  return is_8_bits ? constant : nullptr;
}

/// (integers [- zero points]) · scale, as OpenVINO and NNCF write compressed weights.
Weight read_integers(const Value& operand, const WithConstant& scaled) {
  Weight weight;
  Value value = scaled.value;
  std::shared_ptr<Constant> zero_point;
  if (const auto shifted = as<ov::op::v1::Subtract>(value)) {
    zero_point = integers_of(shifted->input_value(1));
    value = shifted->input_value(0);
    if (!zero_point) {
      refuse(operand, "has no zero points in 8 bits");
    }
  }
  weight.constant = integers_of(value);
  if (!weight.constant || weight.constant->get_shape().empty()) {
    refuse(operand, "is no weight in 8 bits with a scale");
  }
  const std::size_t n_out = weight.constant->get_shape()[0];
  weight.scale = floats(scaled.constant, n_out);
  if (zero_point) {
    weight.zero_point = zero_point->cast_vector<float>();
    if (weight.zero_point.size() == 1) {
      weight.zero_point.resize(n_out, weight.zero_point.front());
    }
    if (weight.zero_point.size() != n_out) {
      refuse(operand, "has zero points of another shape");
    }
  }
  return weight;
}

}  // namespace

Weight read_weight(Value operand, std::size_t n_dims) {
  while (as<ov::op::v0::Convert>(operand) && operand.get_node()->get_input_element_type(0).is_real()) {
    operand = operand.get_node()->input_value(0);
  }
  const auto scaled = with_constant<ov::op::v1::Multiply>(operand);
  Weight weight = scaled ? read_integers(operand, *scaled) : Weight{as<Constant>(operand), {}, {}};
  const auto is_float = [](ov::element::Type type) {
    return type == ov::element::f16 || type == ov::element::bf16 || type == ov::element::f32;
  };
  if (!weight.constant || weight.constant->get_shape().size() != n_dims ||
      !(weight.is_integer() ? scaled.has_value() : is_float(weight.constant->get_element_type()))) {
    refuse(operand, "is no weight of a kind that is read");
  }
  return weight;
}

namespace {

float bound(const ov::op::v0::FakeQuantize& node, std::size_t port) {
  return floats(node.input_value(port), 1).front();
}

}  // namespace

InputForm read_levels(Value& source) {
  InputForm form;
  if (const auto node = as<ov::op::v0::FakeQuantize>(source)) {
    form.is_quantized = true;
    form.low = bound(*node, 1);
    form.step = (bound(*node, 2) - form.low) / 255.0F;
    if (node->get_levels() != 256 || bound(*node, 3) != form.low || bound(*node, 4) != bound(*node, 2) ||
        !(form.step > 0.0F)) {
      refuse(source, "does not round to 256 levels of one range");
    }
    source = node->input_value(0);
  }
  return form;
}

InputForm read_form(Value& source, std::size_t n_in) {
  InputForm form = read_levels(source);
  if (const auto scaled = with_constant<ov::op::v1::Multiply>(source)) {
    form.scale = floats(scaled->constant, n_in);
    source = scaled->value;
  }
  return form;
}

InputForm read_attended(Value& value) {
  value = arranged(value);
  const InputForm form = read_levels(value);
  value = arranged(value);
  return form;
}

std::vector<float> read_bias(Value& value, std::size_t n) {
  std::vector<float> bias(n, 0.0F);
  while (const auto biased = with_constant<ov::op::v1::Add>(value)) {
    const std::vector<float> more = floats(biased->constant, n);
    std::transform(bias.begin(), bias.end(), more.begin(), bias.begin(), std::plus<>());
    value = biased->value;
  }
  return bias;
}

float read_factor(Value& value) {
  const auto scaled = with_constant<ov::op::v1::Multiply>(value);
  if (!scaled || ov::shape_size(scaled->constant.get_shape()) != 1) {
    return 1.0F;
  }
  value = scaled->value;
  return floats(scaled->constant, 1).front();
}

ReadLinear read_linear(Value value, float factor) {
  factor *= read_factor(value);
  const Value sum = value;
  while (const auto biased = with_constant<ov::op::v1::Add>(value)) {
    value = biased->value;
  }
  const float inner_factor = read_factor(value);
  const auto product = expect<ov::op::v0::MatMul>(value, "a linear layer");
  if (product->get_transpose_a() || !product->get_transpose_b()) {
    refuse(value, "is transposed in a way that is not read");
  }
  const Weight weight = read_weight(product->input_value(1));
  const std::size_t n_in = weight.constant->get_shape()[1];
  Value biased = sum;
  std::vector<float> bias = read_bias(biased, weight.constant->get_shape()[0]);
  Value source = product->input_value(0);
  InputForm form = read_form(source, n_in);
  if (n_in % kBlock != 0) {
    refuse(value, fmt::format("has {} inputs, no multiple of {}", n_in, kBlock));
  }
  if (form.is_quantized && (!weight.is_integer() || weight.has_zero_points())) {
    refuse(value, "has activations in 8 bits, and weights that are not symmetric 8 bits");
  }
  if (inner_factor == 0.0F) {
    refuse(value, "is multiplied by 0");
  }
  for (float& of_output : bias) {
    of_output /= inner_factor;
  }
  const WeightValues values = weight.values(form);
  return {Linear(values, std::move(form), bias, factor * inner_factor), source};
}

Norm read_norm(const Value& value, std::size_t n_state, Value& source) {
  const auto shifted = with_constant<ov::op::v1::Add>(value);
  const auto scaled = shifted ? with_constant<ov::op::v1::Multiply>(shifted->value) : std::nullopt;
  if (!scaled) {
    refuse(value, "is no layer normalization");
  }
  const auto mvn = expect<ov::op::v6::MVN>(scaled->value, "a layer normalization");
  const auto axes = as<Constant>(mvn->input_value(1));
  const auto last = axes ? axes->cast_vector<std::int64_t>() : std::vector<std::int64_t>();
  if (last.size() != 1 || (last.front() != -1 && last.front() != 2) || !mvn->get_normalize_variance() ||
      mvn->get_eps_mode() != ov::op::MVNEpsMode::INSIDE_SQRT) {
    refuse(value, "normalizes otherwise");
  }
  source = mvn->input_value(0);
  return {floats(scaled->constant, n_state), floats(shifted->constant, n_state), mvn->get_eps()};
}

Norm norm_of(const Value& normed, const Value& x, std::size_t n_state) {
  Value source;
  Norm norm = read_norm(normed, n_state, source);
  if (source != x) {
    refuse(normed, "is not of what it is added to");
  }
  return norm;
}

ReadLinear expect_of(ReadLinear linear, const Value& source) {
  if (linear.source != source) {
    refuse(linear.source, fmt::format("is where {} is read", source.get_node()->get_friendly_name()));
  }
  return linear;
}

namespace {

bool is_linear(Value value) {
  while (const auto biased = with_constant<ov::op::v1::Add>(value)) {
    value = biased->value;
  }
  return as<ov::op::v0::MatMul>(value) != nullptr;
}

}  // namespace

Residual read_residual(const Value& value) {
  const auto node = expect<ov::op::v1::Add>(value, "a residual sum");
  const Value a = node->input_value(0);
  const Value b = node->input_value(1);
  if (is_linear(a) == is_linear(b)) {
    refuse(value, "is no sum of a residual and a layer");
  }
  return is_linear(b) ? Residual{a, b} : Residual{b, a};
}

Value before_gelu(const Value& value) {
  const auto gelu = expect<ov::op::v7::Gelu>(value, "Gelu");
  if (gelu->get_approximation_mode() != ov::op::GeluApproximationMode::ERF) {
    refuse(value, "is approximated");
  }
  return gelu->input_value(0);
}

FeedForward read_feed_forward(Value& x, std::size_t n_state) {
  const Residual sum = read_residual(x);
  ReadLinear outer = read_linear(sum.added);
  ReadLinear inner = read_linear(before_gelu(outer.source));
  x = sum.x;
  return {norm_of(inner.source, sum.x, n_state), std::move(inner.linear), std::move(outer.linear)};
}

Attention read_attention(const Value& value) {
  const auto node = expect<ov::op::v13::ScaledDotProductAttention>(arranged(value), "attention");
  Attention attention{arranged(node->input_value(0)), node->input_value(1), node->input_value(2),
                      1.0F / std::sqrt(static_cast<float>(kHeadSize))};
  if (node->get_input_size() > 4) {
    attention.factor = floats(node->input_value(4), 1).front();
  }
  return attention;
}

}  // namespace sotto::engine
