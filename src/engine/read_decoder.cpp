#include "engine/read_decoder.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/add.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/slice.hpp>
#include <openvino/op/util/read_value_base.hpp>

#include "engine/read_graph.h"

namespace sotto::engine {
namespace {

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

  /// The layer that ends at x, which moves to where it begins.
  DecoderLayer read_layer(Value& x) {
    DecoderLayer layer;
    const Value end = x;
    layer.feed_forward = read_feed_forward(x, weights_.n_state);
    read_cross_attention(x, layer);
    read_self_attention(x, layer);
    expect_sizes(layer, end);
    return layer;
  }

  /// Where a graph's shapes are dynamic, OpenVINO would see at its first inference only what does not fit.
  void expect_sizes(const DecoderLayer& layer, const Value& end) const {
    const std::size_t n = weights_.n_state;
    bool fits = layer.feed_forward.fits(n);
    for (const Linear* linear : {&layer.query, &layer.key, &layer.value, &layer.self_output,
                                 &layer.cross_query, &layer.cross_output}) {
      fits = fits && linear->n_in() == n && linear->n_out() == n;
    }
    if (!fits) {
      refuse(end, "is of a layer whose sizes do not fit");
    }
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
    Attention attention = read_attention(output.source);
    const InputForm rounded = read_attended(attention.query);
    const float factor = read_factor(attention.query) * (rounded.is_quantized ? 1.0F : attention.factor);
    ReadLinear query = read_linear(arranged(attention.query), factor);
    query.linear.round_to({rounded.low, rounded.step, attention.factor});
    x = sum.x;
    return {norm_of(query.source, sum.x, weights_.n_state),
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
    // What is kept is rounded once instead of at every step: the same 256 values.
    const InputForm rounded = read_attended(block.key);
    layer.key = expect_of(read_linear(fresh_part(block.key)), block.normed).linear;
    layer.key.round_to({rounded.low, rounded.step});
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
  return unless_otherwise(why_not, [&] { return Reader(decoder).read(); });
}

}  // namespace sotto::engine
