#include "engine/read_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/add.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/gelu.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/mvn.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/slice.hpp>
#include <openvino/op/subtract.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/util/read_value_base.hpp>

namespace sotto::engine {
namespace {

using Value = ov::Output<ov::Node>;
using ov::op::v0::Constant;

/// Why a decoder cannot be read; never leaves this file.
struct Otherwise {
  std::string reason;
};

[[noreturn]] void refuse(const Value& value, const std::string& reason) {
  throw Otherwise{fmt::format("{} {}", value.get_node()->get_friendly_name(), reason)};
}

template <typename Op>
std::shared_ptr<Op> as(const Value& value) {
  return ov::as_type_ptr<Op>(value.get_node_shared_ptr());
}

template <typename Op>
std::shared_ptr<Op> expect(const Value& value, const std::string& what) {
  auto op = as<Op>(value);
  if (!op) {
    refuse(value, fmt::format("is {} where {} is read", value.get_node()->get_type_name(), what));
  }
  return op;
}

/// The constant behind conversions between floating-point types; null for anything else.
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

/// Splits a node with two inputs into what is computed and the constant.
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

std::size_t size_of(const Value& constant) {
  return ov::shape_size(constant.get_shape());
}

/// Behind what only arranges values anew: head by head or token by token.
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

/// A weight operand of a MatMul or a table of tokens: [n_out, n_in].
struct Weight {
  std::shared_ptr<Constant> constant;
  std::vector<float> scale;
  std::vector<float> zero_point;

  WeightValues values(const InputForm& input) const {
    const ov::Shape& shape = constant->get_shape();
    return {store(input),
            constant->get_data_ptr(),
            shape[0],
            shape[1],
            scale,
            zero_point,
            constant->get_element_type() == ov::element::u8};
  }
  bool is_integer() const { return !constant->get_element_type().is_real(); }
  /// The values that are stood for, [n_out, n_in].
  std::vector<float> floats() const {
    std::vector<float> all = constant->cast_vector<float>();
    const std::size_t n_in = constant->get_shape()[1];
    for (std::size_t i = 0; i < all.size() && is_integer(); ++i) {
      const std::size_t row = i / n_in;
      all[i] = (all[i] - (zero_point.empty() ? 0.0F : zero_point[row])) * scale[row];
    }
    return all;
  }
  WeightStore store(const InputForm& input) const {
    const auto type = constant->get_element_type();
    if (is_integer()) {
      return input.is_quantized ? WeightStore::int8 : WeightStore::int8_weights;
    }
    if (type == ov::element::f16) {
      return WeightStore::f16;
    }
    return type == ov::element::bf16 ? WeightStore::bf16 : WeightStore::f32;
  }
};

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

Weight read_weight(Value operand) {
  while (as<ov::op::v0::Convert>(operand) && operand.get_node()->get_input_element_type(0).is_real()) {
    operand = operand.get_node()->input_value(0);
  }
  const auto scaled = with_constant<ov::op::v1::Multiply>(operand);
  Weight weight = scaled ? read_integers(operand, *scaled) : Weight{as<Constant>(operand), {}, {}};
  const auto is_float = [](ov::element::Type type) {
    return type == ov::element::f16 || type == ov::element::bf16 || type == ov::element::f32;
  };
  if (!weight.constant || weight.constant->get_shape().size() != 2 ||
      !(weight.is_integer() ? scaled.has_value() : is_float(weight.constant->get_element_type()))) {
    refuse(operand, "is no weight of a kind that is read");
  }
  return weight;
}

float bound(const ov::op::v0::FakeQuantize& node, std::size_t port) {
  return floats(node.input_value(port), 1).front();
}

/// A linear layer and what it is fed with.
struct ReadLinear {
  Linear linear;
  Value source;
};

/// Takes the input's scale and 8-bit rounding off; `source` moves to what is behind them.
InputForm read_form(Value& source, std::size_t n_in) {
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
  if (const auto scaled = with_constant<ov::op::v1::Multiply>(source)) {
    form.scale = floats(scaled->constant, n_in);
    source = scaled->value;
  }
  return form;
}

/// [factor ·] (weight · form(source) [+ bias]).
ReadLinear read_linear(Value value, float factor = 1.0F) {
  if (const auto scaled = with_constant<ov::op::v1::Multiply>(value);
      scaled && size_of(scaled->constant) == 1) {
    factor *= floats(scaled->constant, 1).front();
    value = scaled->value;
  }
  std::vector<Value> biases;
  while (const auto biased = with_constant<ov::op::v1::Add>(value)) {
    biases.push_back(biased->constant);
    value = biased->value;
  }
  const auto product = expect<ov::op::v0::MatMul>(value, "a linear layer");
  if (product->get_transpose_a() || !product->get_transpose_b()) {
    refuse(value, "is transposed in a way that is not read");
  }
  const Weight weight = read_weight(product->input_value(1));
  const std::size_t n_out = weight.constant->get_shape()[0];
  const std::size_t n_in = weight.constant->get_shape()[1];
  std::vector<float> bias(n_out, 0.0F);
  for (const Value& constant : biases) {
    const std::vector<float> more = floats(constant, n_out);
    std::transform(bias.begin(), bias.end(), more.begin(), bias.begin(), std::plus<>());
  }
  Value source = product->input_value(0);
  InputForm form = read_form(source, n_in);
  if (n_in % kBlock != 0) {
    refuse(value, fmt::format("has {} inputs, no multiple of {}", n_in, kBlock));
  }
  const bool has_zero_points =
      !weight.zero_point.empty() || weight.constant->get_element_type() == ov::element::u8;
  if (form.is_quantized && (!weight.is_integer() || has_zero_points)) {
    refuse(value, "has activations in 8 bits, and weights that are not symmetric 8 bits");
  }
  const WeightValues values = weight.values(form);
  return {Linear(values, std::move(form), bias, factor), source};
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

/// x and what a block of the layer adds to it.
struct Residual {
  Value x;
  Value added;
};

bool is_linear(const Value& value) {
  return as<ov::op::v0::MatMul>(value) || with_constant<ov::op::v1::Add>(value);
}

Residual read_residual(const Value& value) {
  const auto node = expect<ov::op::v1::Add>(value, "a residual sum");
  const Value a = node->input_value(0);
  const Value b = node->input_value(1);
  if (is_linear(a) == is_linear(b)) {
    refuse(value, "is no sum of a residual and a layer");
  }
  return is_linear(b) ? Residual{a, b} : Residual{b, a};
}

/// softmax(q · kᵀ + mask) · v, and the factor of q · kᵀ.
struct Attention {
  Value query;
  Value key;
  Value value;
  float factor = 1.0F;
};

Attention read_attention(const Value& value) {
  const auto node = expect<ov::op::v13::ScaledDotProductAttention>(arranged(value), "attention");
  Attention attention{arranged(node->input_value(0)), node->input_value(1), node->input_value(2),
                      1.0F / std::sqrt(static_cast<float>(kHeadSize))};
  if (node->get_input_size() > 4) {
    attention.factor = floats(node->input_value(4), 1).front();
  }
  return attention;
}

/// Behind a conversion, a decoder's input.
const ov::op::v0::Parameter& window_input(Value value) {
  if (as<ov::op::v0::Convert>(value)) {
    value = value.get_node()->input_value(0);
  }
  return *expect<ov::op::v0::Parameter>(value, "an input with keys or values of the window");
}

/// The tokens fed now, behind the state that goes before them.
Value fresh_part(const Value& value) {
  const auto all = expect<ov::op::v0::Concat>(arranged(value), "a state with new tokens behind it");
  const auto past = all->get_input_size() == 2 ? as<ov::op::v8::Gather>(all->input_value(0)) : nullptr;
  if (!past || !as<ov::op::util::ReadValueBase>(past->input_value(0)) ||
      !as<ov::op::v0::Parameter>(past->input_value(1))) {
    refuse(value, "is no state in the order of beam_idx");
  }
  return arranged(all->input_value(1));
}

class Reader {
 public:
  explicit Reader(const ov::Model& decoder) : decoder_(decoder) {}

  DecoderWeights read() {
    expect_inputs();
    if (decoder_.outputs().size() != 1) {
      throw Otherwise{"it has outputs beside logits"};
    }
    ReadLinear logits = read_linear(decoder_.get_results().front()->input_value(0));
    weights_.n_state = logits.linear.n_in();
    weights_.logits = std::move(logits.linear);
    Value x;
    weights_.norm = read_norm(logits.source, weights_.n_state, x);
    while (!is_embedding(x)) {
      weights_.layers.push_back(read_layer(x));
    }
    std::ranges::reverse(weights_.layers);
    read_embedding(x);
    return std::move(weights_);
  }

 private:
  void expect_inputs() const {
    for (const auto& input : decoder_.inputs()) {
      const std::string name = input.get_names().empty() ? "" : input.get_any_name();
      if (name != "input_ids" && name != "beam_idx" && !name.starts_with("window_keys.")) {
        throw Otherwise{fmt::format("it has an input {}", name)};
      }
    }
  }

  static bool is_embedding(const Value& x) {
    const auto node = as<ov::op::v1::Add>(x);
    return node && (is_of_tokens(node->input_value(0)) || is_of_tokens(node->input_value(1)));
  }

  /// A linear layer of x's normalization.
  ReadLinear expect_of(ReadLinear linear, const Value& normed) const {
    if (linear.source != normed) {
      refuse(linear.source, fmt::format("is where {} is read", normed.get_node()->get_friendly_name()));
    }
    return linear;
  }

  Norm norm_of(const Value& normed, const Value& x) const {
    Value source;
    Norm norm = read_norm(normed, weights_.n_state, source);
    if (source != x) {
      refuse(normed, "is not of what it is added to");
    }
    return norm;
  }

  /// The layer that ends at x, which moves to where it begins.
  DecoderLayer read_layer(Value& x) {
    DecoderLayer layer;
    const Value end = x;
    read_feed_forward(x, layer);
    read_cross_attention(x, layer);
    read_self_attention(x, layer);
    expect_sizes(layer, end);
    return layer;
  }

  /// Where a graph's shapes are dynamic, OpenVINO would see at its first inference only what does not fit.
  void expect_sizes(const DecoderLayer& layer, const Value& end) const {
    const std::size_t n = weights_.n_state;
    bool fits =
        layer.inner.n_in() == n && layer.outer.n_out() == n && layer.inner.n_out() == layer.outer.n_in();
    for (const Linear* linear : {&layer.query, &layer.key, &layer.value, &layer.self_output,
                                 &layer.cross_query, &layer.cross_output}) {
      fits = fits && linear->n_in() == n && linear->n_out() == n;
    }
    if (!fits) {
      refuse(end, "is of a layer whose sizes do not fit");
    }
  }

  void read_feed_forward(Value& x, DecoderLayer& layer) {
    const Residual sum = read_residual(x);
    ReadLinear outer = read_linear(sum.added);
    const auto gelu = expect<ov::op::v7::Gelu>(outer.source, "Gelu");
    if (gelu->get_approximation_mode() != ov::op::GeluApproximationMode::ERF) {
      refuse(outer.source, "is approximated");
    }
    ReadLinear inner = read_linear(gelu->input_value(0));
    layer.feed_forward_norm = norm_of(inner.source, sum.x);
    layer.inner = std::move(inner.linear);
    layer.outer = std::move(outer.linear);
    x = sum.x;
  }

  /// What both attentions of a layer have in common, and what they attend to.
  struct AttentionBlock {
    Norm norm;
    Linear query;
    Linear output;
    Value normed;
    Value key;
    Value value;
  };

  /// The block that ends at x, which moves to where it begins.
  AttentionBlock read_attention_block(Value& x) {
    const Residual sum = read_residual(x);
    ReadLinear output = read_linear(sum.added);
    const Attention attention = read_attention(output.source);
    ReadLinear query = read_linear(attention.query, attention.factor);
    x = sum.x;
    return {norm_of(query.source, sum.x),
            std::move(query.linear),
            std::move(output.linear),
            query.source,
            attention.key,
            attention.value};
  }

  void read_cross_attention(Value& x, DecoderLayer& layer) {
    AttentionBlock block = read_attention_block(x);
    layer.cross_norm = std::move(block.norm);
    layer.cross_query = std::move(block.query);
    layer.cross_output = std::move(block.output);
    layer.window_keys = read_window(block.key);
    layer.window_values = read_window(block.value);
  }

  std::string read_window(const Value& value) {
    const ov::op::v0::Parameter& input = window_input(value);
    const ov::PartialShape& shape = input.get_partial_shape();
    if (shape.rank().is_dynamic() || shape.size() != 4 || shape[1].is_dynamic() || shape[3] != kHeadSize) {
      refuse(value, fmt::format("has no heads of {}", kHeadSize));
    }
    weights_.n_head = static_cast<std::size_t>(shape[1].get_length());
    if (weights_.n_head * kHeadSize != weights_.n_state) {
      refuse(value, "has heads that are not the state's");
    }
    return input.output(0).get_any_name();
  }

  void read_self_attention(Value& x, DecoderLayer& layer) {
    AttentionBlock block = read_attention_block(x);
    layer.self_norm = std::move(block.norm);
    layer.query = std::move(block.query);
    layer.self_output = std::move(block.output);
    layer.key = expect_of(read_linear(fresh_part(block.key)), block.normed).linear;
    layer.value = expect_of(read_linear(fresh_part(block.value)), block.normed).linear;
  }

  void read_embedding(const Value& x) {
    const auto node = expect<ov::op::v1::Add>(x, "tokens and positions");
    const bool is_first = is_of_tokens(node->input_value(0));
    const auto tokens = expect<ov::op::v8::Gather>(node->input_value(is_first ? 0 : 1), "tokens");
    const Value positions = node->input_value(is_first ? 1 : 0);
    if (!as<ov::op::v8::Slice>(positions) && !as<ov::op::v8::Gather>(positions)) {
      refuse(positions, "are no positions");
    }
    Weight table = read_weight(tokens->input_value(0));
    const Weight rows = read_weight(positions.get_node()->input_value(0));
    if (rows.constant->get_shape()[1] != weights_.n_state ||
        table.constant->get_shape()[1] != weights_.n_state) {
      refuse(x, "has vectors of another size");
    }
    weights_.n_ctx = rows.constant->get_shape()[0];
    weights_.positions = rows.floats();
    weights_.tokens =
        TokenTable(std::move(table.constant), std::move(table.scale), std::move(table.zero_point));
  }

  /// A table's rows by input_ids.
  static bool is_of_tokens(const Value& value) {
    const auto rows = as<ov::op::v8::Gather>(value);
    Value ids = rows ? rows->input_value(1) : value;
    while (as<ov::op::v0::Convert>(ids) || as<ov::op::v1::Reshape>(ids)) {
      ids = ids.get_node()->input_value(0);
    }
    return rows && as<ov::op::v0::Parameter>(ids);
  }

  const ov::Model& decoder_;
  DecoderWeights weights_;
};

template <typename T>
void add_row(
    const ov::op::v0::Constant& table, std::size_t row, float zero, float scale, std::span<float> x) {
  const T* values = static_cast<const T*>(table.get_data_ptr()) + row * x.size();
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] += (static_cast<float>(values[i]) - zero) * scale;
  }
}

}  // namespace

TokenTable::TokenTable(std::shared_ptr<ov::op::v0::Constant> values,
                       std::vector<float> scale,
                       std::vector<float> zero_point)
    : values_(std::move(values)), scale_(std::move(scale)), zero_point_(std::move(zero_point)) {}

void TokenTable::add(std::size_t token, std::span<float> x) const {
  const float scale = scale_.empty() ? 1.0F : scale_[token];
  const float zero = zero_point_.empty() ? 0.0F : zero_point_[token];
  const auto type = values_->get_element_type();
  if (type == ov::element::i8) {
    add_row<std::int8_t>(*values_, token, zero, scale, x);
  } else if (type == ov::element::u8) {
    add_row<std::uint8_t>(*values_, token, zero, scale, x);
  } else if (type == ov::element::f16) {
    add_row<ov::float16>(*values_, token, zero, scale, x);
  } else if (type == ov::element::bf16) {
    add_row<ov::bfloat16>(*values_, token, zero, scale, x);
  } else {
    add_row<float>(*values_, token, zero, scale, x);
  }
}

std::optional<DecoderWeights> read_decoder(const ov::Model& decoder, std::string& why_not) {
  try {
    return Reader(decoder).read();
  } catch (const Otherwise& otherwise) {
    why_not = otherwise.reason;
    return std::nullopt;
  }
}

}  // namespace sotto::engine
