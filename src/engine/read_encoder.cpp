#include "engine/read_encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/add.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/transpose.hpp>

#include "engine/read_graph.h"

namespace sotto::engine {
namespace {

std::size_t dimension(const Value& value, std::size_t i) {
  const ov::PartialShape& shape = value.get_partial_shape();
  if (shape.rank().is_dynamic() || shape.size() <= i || shape[i].is_dynamic()) {
    refuse(value, fmt::format("has no fixed dimension {}", i));
  }
  return static_cast<std::size_t>(shape[i].get_length());
}

/// [n_out, channels, kWidth] with channels last, as the frames are read.
std::vector<std::int8_t> frame_by_frame(const Constant& weight) {
  constexpr std::size_t kWidth = Convolution::kWidth;
  const auto* const values = static_cast<const std::int8_t*>(weight.get_data_ptr());
  const std::size_t n_channels = weight.get_shape()[1];
  std::vector<std::int8_t> ordered(ov::shape_size(weight.get_shape()));
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const std::size_t row = i / (n_channels * kWidth);
    const std::size_t channel = i / kWidth % n_channels;
    ordered[(row * kWidth + i % kWidth) * n_channels + channel] = values[i];
  }
  return ordered;
}

/// The level that stands for 0, which frames beyond the ends are.
std::uint8_t level_of_zero(const Value& value, const InputForm& form) {
  const float level = -form.low / form.step;
  if (level < 0.0F || level > 255.0F || std::abs(level - std::round(level)) > 1e-3F) {
    refuse(value, "has no level for 0");
  }
  return static_cast<std::uint8_t>(std::lround(level));
}

/// What comes before Gelu; `value` moves to what goes into the convolution.
Convolution read_convolution(Value& value, std::size_t stride) {
  Value sum = before_gelu(value);
  const std::vector<float> bias = read_bias(sum, dimension(sum, 1));
  const auto node = expect<ov::op::v1::Convolution>(sum, "a convolution");
  const auto weight = read_weight(node->input_value(1), 3);
  const ov::CoordinateDiff one{1};
  if (node->get_strides() != ov::Strides{stride} || node->get_dilations() != ov::Strides{1} ||
      node->get_pads_begin() != one || node->get_pads_end() != one ||
      weight.constant->get_shape()[2] != Convolution::kWidth) {
    refuse(value, "is of a convolution that is not Whisper's");
  }
  value = node->input_value(0);
  const InputForm form = read_levels(value);
  if (!form.is_quantized || !weight.is_integer() || weight.has_zero_points() ||
      weight.constant->get_shape()[1] % kQuad != 0) {
    refuse(sum, "is no convolution in INT8");
  }
  const std::vector<std::int8_t> ordered = frame_by_frame(*weight.constant);
  WeightValues values = weight.values(form);
  values.values = ordered.data();
  return {Linear(values, form, bias), level_of_zero(sum, form)};
}

class Reader {
 public:
  explicit Reader(const ov::Model& encoder) : encoder_(encoder) {}

  EncoderWeights read() {
    if (encoder_.outputs().size() != 1 || encoder_.inputs().size() != 1) {
      throw Otherwise{"it has inputs or outputs beside Whisper's"};
    }
    const Value end = encoder_.get_results().front()->input_value(0);
    weights_.n_frames = dimension(end, 1);
    weights_.n_state = dimension(end, 2);
    weights_.n_head = weights_.n_state / kHeadSize;
    Value x;
    weights_.norm = read_norm(end, weights_.n_state, x);
    while (!is_embedding(x)) {
      weights_.layers.push_back(read_layer(x));
    }
    std::ranges::reverse(weights_.layers);
    read_embedding(x);
    return std::move(weights_);
  }

 private:
  static bool is_embedding(const Value& x) {
    const auto sum = with_constant<ov::op::v1::Add>(x);
    return sum && as<ov::op::v1::Transpose>(sum->value);
  }

  /// The layer that ends at x, which moves to where it begins.
  EncoderLayer read_layer(Value& x) {
    const Value end = x;
    EncoderLayer layer;
    layer.feed_forward = read_feed_forward(x, weights_.n_state);
    read_attention_block(x, layer);
    expect_sizes(layer, end);
    return layer;
  }

  void read_attention_block(Value& x, EncoderLayer& layer) const {
    const Residual sum = read_residual(x);
    ReadLinear output = read_linear(sum.added);
    expect_heads(output.source);
    Attention attention = read_attention(output.source);
    layer.query_form = read_rounded(attention.query);
    layer.key_form = read_rounded(attention.key);
    ReadLinear query = read_linear(attention.query);
    const Value normed = query.source;
    layer.norm = norm_of(normed, sum.x, weights_.n_state);
    layer.query = std::move(query.linear);
    layer.key = expect_of(read_linear(attention.key), normed).linear;
    layer.value = expect_of(read_linear(arranged(attention.value)), normed).linear;
    layer.factor = attention.factor;
    layer.output = std::move(output.linear);
    x = sum.x;
  }

  /// Takes off the order of heads and the 8 bits.
  static InputForm read_rounded(Value& value) {
    const InputForm form = read_attended(value);
    if (!form.is_quantized) {
      refuse(value, "is attended with in floating point");
    }
    return form;
  }

  void expect_heads(const Value& value) const {
    const auto node = expect<ov::op::v13::ScaledDotProductAttention>(arranged(value), "attention");
    const Value query = node->input_value(0);
    if (dimension(query, 1) != weights_.n_head || dimension(query, 3) != kHeadSize) {
      refuse(query, fmt::format("has no heads of {}", kHeadSize));
    }
    const bool has_mask = node->get_input_size() > 3 && !is_zero(node->input_value(3));
    if (node->get_causal() || has_mask) {
      refuse(value, "is masked");
    }
  }

  static bool is_zero(const Value& value) {
    const auto constant = constant_of(value);
    return constant && std::ranges::all_of(constant->cast_vector<float>(), [](float x) { return x == 0.0F; });
  }

  /// Where a graph's shapes are dynamic, OpenVINO would see at its first inference only what does not fit.
  void expect_sizes(const EncoderLayer& layer, const Value& end) const {
    const std::size_t n = weights_.n_state;
    bool fits = n == weights_.n_head * kHeadSize && layer.feed_forward.fits(n);
    for (const Linear* linear : {&layer.query, &layer.key, &layer.value, &layer.output}) {
      fits = fits && linear->n_in() == n && linear->n_out() == n;
    }
    if (!fits) {
      refuse(end, "is of a layer whose sizes do not fit");
    }
  }

  void read_embedding(const Value& x) {
    const WithConstant sum = *with_constant<ov::op::v1::Add>(x);
    const auto order = as<Constant>(sum.value.get_node()->input_value(1));
    if (!order || order->cast_vector<std::int64_t>() != std::vector<std::int64_t>{0, 2, 1}) {
      refuse(sum.value, "arranges its values otherwise");
    }
    weights_.positions = floats(sum.constant, weights_.n_frames * weights_.n_state);
    Value value = sum.value.get_node()->input_value(0);
    weights_.second = read_convolution(value, 2);
    weights_.first = read_convolution(value, 1);
    expect<ov::op::v0::Parameter>(value, "input_features");
    weights_.n_mels = weights_.first.linear.n_in() / Convolution::kWidth;
    if (weights_.second.linear.n_in() != Convolution::kWidth * weights_.first.linear.n_out() ||
        weights_.second.linear.n_out() != weights_.n_state) {
      refuse(x, "is of convolutions whose sizes do not fit");
    }
  }

  const ov::Model& encoder_;
  EncoderWeights weights_;
};

}  // namespace

std::optional<EncoderWeights> read_encoder(const ov::Model& encoder, std::string& why_not) {
  return unless_otherwise(why_not, [&] { return Reader(encoder).read(); });
}

}  // namespace sotto::engine
