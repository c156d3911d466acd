#include <algorithm>
#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <openvino/op/assign.hpp>
#include <openvino/op/broadcast.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/range.hpp>
#include <openvino/op/read_value.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/op/slice.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/unsqueeze.hpp>
#include <openvino/op/util/variable.hpp>

#include "model/graphs.h"
#include "model/layers.h"

namespace sotto::model {
namespace {

using ov::op::v0::Constant;

Value shape_of(const Value& x, const std::string& name) {
  return named(std::make_shared<ov::op::v3::ShapeOf>(x, ov::element::i64), name + "/ShapeOf");
}

/// shape[axis] as a list of one.
Value dim(const Value& shape, std::int64_t axis, const std::string& name) {
  const Value index = int_list({axis}, name + "/index");
  return named(std::make_shared<ov::op::v8::Gather>(shape, index, int_scalar(0, name + "/axis")),
               name + "/Gather");
}

Value concat(const ov::OutputVector& parts, std::int64_t axis, const std::string& name) {
  return named(std::make_shared<ov::op::v0::Concat>(parts, axis), name);
}

Value unsqueeze(const Value& x, std::int64_t axis, const std::string& name) {
  const Value axes = int_list({axis}, name + "/axes");
  return named(std::make_shared<ov::op::v0::Unsqueeze>(x, axes), name + "/Unsqueeze");
}

Value scalar_of(const Value& list_of_one, const std::string& name) {
  return named(std::make_shared<ov::op::v0::Squeeze>(list_of_one, int_list({0}, name + "/axes")),
               name + "/Squeeze");
}

Value reshape(const Value& x, const Value& shape, const std::string& name) {
  return named(std::make_shared<ov::op::v1::Reshape>(x, shape, false), name);
}

/// ReadValue and, once the new content is known, Assign of one variable.
class State {
 public:
  State(const Value& initial, const ov::PartialShape& shape, const std::string& id, const std::string& name)
      : name_(name),
        variable_(std::make_shared<ov::op::util::Variable>(
            ov::op::util::VariableInfo{shape, ov::element::f32, id})) {
    past_ = named(std::make_shared<ov::op::v6::ReadValue>(initial, variable_), name + "/ReadValue");
  }

  const Value& past() const { return past_; }

  std::shared_ptr<ov::op::v6::Assign> assign(const Value& content) const {
    auto sink = std::make_shared<ov::op::v6::Assign>(content, variable_);
    sink->set_friendly_name(name_ + "/Assign");
    return sink;
  }

 private:
  std::string name_;
  std::shared_ptr<ov::op::util::Variable> variable_;
  Value past_;
};

class DecoderBuilder {
 public:
  DecoderBuilder(Weights& weights, const ModelDimensions& dims, bool tied)
      : layers_(weights),
        dims_(dims),
        tied_(tied),
        n_state_(static_cast<std::size_t>(dims.n_text_state)),
        n_head_(static_cast<std::size_t>(dims.n_text_head)) {}

  std::shared_ptr<ov::Model> build() {
    add_parameters();
    add_states();
    add_lengths();
    Value x = embed();
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      x = layer(x, i);
    }
    x = layers_.layer_norm(x, root_ + ".layer_norm", n_state_);
    x = named(std::make_shared<ov::op::v0::MatMul>(x, output_table(), false, true), "proj_out/MatMul");
    x.set_names({"logits"});
    const auto result = std::make_shared<ov::op::v0::Result>(x);
    result->set_friendly_name("logits");
    return std::make_shared<ov::Model>(ov::ResultVector{result}, sinks_, parameters_, "whisper_decoder");
  }

 private:
  std::string layer_name(std::size_t i) const { return fmt::format("{}.layers.{}", root_, i); }

  Value parameter(const std::string& name, ov::element::Type type, const ov::PartialShape& shape) {
    auto node = std::make_shared<ov::op::v0::Parameter>(type, shape);
    node->output(0).set_names({name});
    parameters_.push_back(node);
    return named(node, name);
  }

  void add_parameters() {
    input_ids_ = parameter("input_ids", ov::element::i64, {-1, -1});
    encoder_hidden_states_ =
        parameter("encoder_hidden_states", ov::element::f32, {-1, -1, dims_.n_text_state});
    beam_idx_ = parameter("beam_idx", ov::element::i32, {-1});
  }

  void add_states() {
    const std::int64_t size = dims_.n_text_state / dims_.n_text_head;
    const ov::PartialShape shape{-1, dims_.n_text_head, -1, size};
    ids_shape_ = shape_of(input_ids_, "input_ids");
    batch_ = dim(ids_shape_, 0, root_ + "/batch");
    const Value empty_shape =
        concat({batch_, int_list({dims_.n_text_head, 0, size}, root_ + "/empty")}, 0, root_ + "/empty_shape");
    const Value zero = named(Constant::create(ov::element::f32, {}, {0.0F}), root_ + "/zero");
    const Value empty =
        named(std::make_shared<ov::op::v3::Broadcast>(zero, empty_shape), root_ + "/empty_state");
    for (std::size_t i = 0; i < static_cast<std::size_t>(dims_.n_text_layer); ++i) {
      const auto id = [&](const char* kind) {
        return fmt::format("past_key_values.{0}.{1}present.{0}.{1}", i, kind);
      };
      const std::string self = layer_name(i) + ".self_attn";
      keys_.emplace_back(empty, shape, id("decoder.key"), self + ".key");
      values_.emplace_back(empty, shape, id("decoder.value"), self + ".value");
      const std::string cross = layer_name(i) + ".encoder_attn";
      cross_keys_.emplace_back(project_heads(encoder_hidden_states_, cross + ".k_proj", false), shape,
                               id("encoder.key"), cross + ".key");
      cross_values_.emplace_back(project_heads(encoder_hidden_states_, cross + ".v_proj", true), shape,
                                 id("encoder.value"), cross + ".value");
    }
  }

  /// Lengths all layers share: [n_past], [n_past + n_tokens], the causal mask, and shapes for
  /// cross-attention.
  void add_lengths() {
    const std::int64_t size = dims_.n_text_state / dims_.n_text_head;
    n_past_ = dim(shape_of(keys_.front().past(), root_ + "/past"), 2, root_ + "/n_past");
    const Value n_tokens = dim(ids_shape_, 1, root_ + "/n_tokens");
    n_total_ = add(n_past_, n_tokens, root_ + "/n_total");
    const Value n_windows =
        dim(shape_of(cross_keys_.front().past(), root_ + "/windows"), 0, root_ + "/n_windows");
    cross_query_shape_ = concat({n_windows, int_list({-1, dims_.n_text_head, size}, root_ + "/cross_heads")},
                                0, root_ + "/cross_query_shape");
    cross_output_shape_ = concat({batch_, n_tokens, int_list({dims_.n_text_state}, root_ + "/n_state")}, 0,
                                 root_ + "/cross_output_shape");
    causal_mask_ = causal_mask();
  }

  /// f32 [1, 1, n_tokens, n_past + n_tokens]: 0 where a token may look, a large negative number elsewhere.
  Value causal_mask() {
    const std::string name = root_ + "/causal_mask";
    const Value first = scalar_of(n_past_, name + "/first");
    const Value last = scalar_of(n_total_, name + "/last");
    const Value one = int_scalar(1, name + "/step");
    const auto range = [&](const Value& from, const std::string& what) {
      return named(std::make_shared<ov::op::v4::Range>(from, last, one, ov::element::i64), name + what);
    };
    const Value queries = unsqueeze(range(first, "/queries"), 1, name + "/query_column");
    const Value keys = range(int_scalar(0, name + "/start"), "/keys");
    return model::causal_mask(queries, keys, name);
  }

  /// Token vectors plus the positions n_past ... n_total - 1. [batch, n_tokens, n_state].
  Value embed() {
    const auto n_vocab = static_cast<std::size_t>(dims_.n_vocab);
    const auto n_ctx = static_cast<std::size_t>(dims_.n_text_ctx);
    const std::string tokens_name = root_ + ".embed_tokens";
    token_table_ = layers_.weights().get(tokens_name + ".weight", {n_vocab, n_state_});
    const Value axis = int_scalar(0, tokens_name + "/axis");
    const Value tokens =
        named(std::make_shared<ov::op::v8::Gather>(token_table_, input_ids_, axis), tokens_name + "/Gather");
    const std::string positions_name = root_ + ".embed_positions";
    const Value positions = layers_.weights().get(positions_name + ".weight", {n_ctx, n_state_});
    const Value rows = named(std::make_shared<ov::op::v8::Slice>(positions, n_past_, n_total_,
                                                                 int_list({1}, positions_name + "/step"),
                                                                 int_list({0}, positions_name + "/axis")),
                             positions_name + "/Slice");
    return add(tokens, rows, positions_name + "/Add");
  }

  Value output_table() {
    const auto n_vocab = static_cast<std::size_t>(dims_.n_vocab);
    return tied_ ? token_table_ : layers_.weights().get("proj_out.weight", {n_vocab, n_state_});
  }

  Value project_heads(const Value& x, const std::string& module, bool has_bias) {
    return split_heads(layers_.linear(x, module, n_state_, n_state_, has_bias), n_head_, n_state_ / n_head_,
                       module);
  }

  /// The state in the order of beam_idx with the new rows behind it, kept for the next step.
  Value extend(const State& state, const Value& fresh, const std::string& name) {
    const Value axis = int_scalar(0, name + "/axis");
    const Value past =
        named(std::make_shared<ov::op::v8::Gather>(state.past(), beam_idx_, axis), name + "/Gather");
    const Value all = concat({past, fresh}, 2, name + "/Concat");
    sinks_.push_back(state.assign(all));
    return all;
  }

  Value self_attention(const Value& x, std::size_t i) {
    const std::string module = layer_name(i) + ".self_attn";
    const std::size_t head_size = n_state_ / n_head_;
    const std::string q_name = module + ".q_proj";
    const Value scaled = scale_query(layers_.linear(x, q_name, n_state_, n_state_), head_size, q_name);
    const Value q = split_heads(scaled, n_head_, head_size, q_name);
    const Value k = extend(keys_[i], project_heads(x, module + ".k_proj", false), module + ".key");
    const Value v = extend(values_[i], project_heads(x, module + ".v_proj", true), module + ".value");
    const Value attended = attend(q, k, v, causal_mask_, module);
    return layers_.linear(merge_heads(attended, n_state_, module), module + ".out_proj", n_state_, n_state_);
  }

  /// No token hides a frame from another, so the beams of a window become more queries of one batch entry.
  Value cross_attention(const Value& x, std::size_t i) {
    const std::string module = layer_name(i) + ".encoder_attn";
    sinks_.push_back(cross_keys_[i].assign(cross_keys_[i].past()));
    sinks_.push_back(cross_values_[i].assign(cross_values_[i].past()));
    const std::string q_name = module + ".q_proj";
    const Value scaled =
        scale_query(layers_.linear(x, q_name, n_state_, n_state_), n_state_ / n_head_, q_name);
    const Value queries = reshape(scaled, cross_query_shape_, q_name + "/Reshape");
    const Value order = int_list({0, 2, 1, 3}, q_name + "/order");
    const Value q = named(std::make_shared<ov::op::v1::Transpose>(queries, order), q_name + "/Transpose");
    // openvino.genai looks for the mask's Add when it takes word times from these nodes.
    const Value no_mask = named(Constant::create(ov::element::f32, {}, {0.0F}), module + "/no_mask");
    const Value attended = attend(q, cross_keys_[i].past(), cross_values_[i].past(), no_mask, module);
    const Value merge_order = int_list({0, 2, 1, 3}, module + "/merge_order");
    const Value rows =
        named(std::make_shared<ov::op::v1::Transpose>(attended, merge_order), module + "/merge_Transpose");
    const Value merged = reshape(rows, cross_output_shape_, module + "/merge_Reshape");
    return layers_.linear(merged, module + ".out_proj", n_state_, n_state_);
  }

  Value layer(Value x, std::size_t i) {
    const std::string name = layer_name(i);
    const Value a = layers_.layer_norm(x, name + ".self_attn_layer_norm", n_state_);
    x = add(x, self_attention(a, i), name + "/self_attn_residual");
    const Value b = layers_.layer_norm(x, name + ".encoder_attn_layer_norm", n_state_);
    x = add(x, cross_attention(b, i), name + "/encoder_attn_residual");
    const Value c = layers_.layer_norm(x, name + ".final_layer_norm", n_state_);
    return add(x, layers_.feed_forward(c, name, n_state_), name + "/feed_forward_residual");
  }

  Layers layers_;
  const ModelDimensions& dims_;
  bool tied_;
  std::size_t n_state_;
  std::size_t n_head_;
  std::string root_ = "model.decoder";

  ov::ParameterVector parameters_;
  ov::SinkVector sinks_;
  Value input_ids_;
  Value encoder_hidden_states_;
  Value beam_idx_;
  std::vector<State> keys_;
  std::vector<State> values_;
  std::vector<State> cross_keys_;
  std::vector<State> cross_values_;
  Value ids_shape_;
  Value batch_;
  Value n_past_;
  Value n_total_;
  Value cross_query_shape_;
  Value cross_output_shape_;
  Value causal_mask_;
  Value token_table_;
};

}  // namespace

std::shared_ptr<ov::Model> build_decoder(Weights& weights, const ModelDimensions& dims, bool tied) {
  return DecoderBuilder(weights, dims, tied).build();
}

}  // namespace sotto::model
