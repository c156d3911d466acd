#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/range.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/unsqueeze.hpp>

#include "model/graphs.h"
#include "model/layers.h"

namespace sotto::model {
namespace {

using ov::op::v0::Constant;

class NotebookDecoder {
 public:
  NotebookDecoder(Weights& weights, const ModelDimensions& dims, bool tied)
      : layers_(weights),
        dims_(dims),
        tied_(tied),
        n_state_(static_cast<std::size_t>(dims.n_text_state)),
        n_head_(static_cast<std::size_t>(dims.n_text_head)) {}

  std::shared_ptr<ov::Model> build() {
    tokens_ = parameter("x", ov::element::i64, {-1, -1});
    window_ = parameter("xa", ov::element::f32, {-1, -1, dims_.n_text_state});
    for (std::int64_t i = 0; i < dims_.n_text_layer; ++i) {
      for (const char* kind : {"k", "v"}) {
        caches_.push_back(
            parameter(fmt::format("past_{}.{}", kind, i), ov::element::f32, {-1, -1, dims_.n_text_state}));
      }
    }
    add_positions();
    Value x = embed();
    for (std::int64_t i = 0; i < dims_.n_text_layer; ++i) {
      x = layer(x, i);
    }
    x = layers_.layer_norm(x, root_ + ".layer_norm", n_state_);
    const Value table =
        tied_ ? token_table_ : layers_.weights().get("proj_out.weight", {vocabulary(), n_state_});
    x = named(std::make_shared<ov::op::v0::MatMul>(x, table, false, true), "proj_out/MatMul");
    results_.insert(results_.begin(), result(x, "logits"));
    return std::make_shared<ov::Model>(results_, parameters_, "whisper_decoder");
  }

 private:
  std::size_t vocabulary() const { return static_cast<std::size_t>(dims_.n_vocab); }

  Value parameter(const std::string& name, ov::element::Type type, const ov::PartialShape& shape) {
    auto node = std::make_shared<ov::op::v0::Parameter>(type, shape);
    node->output(0).set_names({name});
    parameters_.push_back(node);
    return named(node, name);
  }

  static std::shared_ptr<ov::op::v0::Result> result(Value x, const std::string& name) {
    x.set_names({name});
    auto node = std::make_shared<ov::op::v0::Result>(x);
    node->set_friendly_name(name + "/Result");
    return node;
  }

  /// x.shape[axis], a scalar.
  static Value size_of(const Value& x, std::int64_t axis, const std::string& name) {
    const Value shape = named(std::make_shared<ov::op::v3::ShapeOf>(x, ov::element::i64), name + "/ShapeOf");
    return named(std::make_shared<ov::op::v8::Gather>(shape, int_scalar(axis, name + "/index"),
                                                      int_scalar(0, name + "/axis")),
                 name + "/Gather");
  }

  static Value range(const Value& first, const Value& last, const std::string& name) {
    return named(
        std::make_shared<ov::op::v4::Range>(first, last, int_scalar(1, name + "/step"), ov::element::i64),
        name);
  }

  /// The positions n_past ... n_total - 1, and the mask [1, 1, n_tokens, n_total] that hides what comes
  /// later.
  void add_positions() {
    const std::string name = root_ + "/causal_mask";
    const Value n_past = size_of(caches_.front(), 1, root_ + "/n_past");
    const Value n_tokens = size_of(tokens_, 1, root_ + "/n_tokens");
    const Value n_total = add(n_past, n_tokens, root_ + "/n_total");
    positions_ = range(n_past, n_total, root_ + "/positions");
    const Value keys = range(int_scalar(0, name + "/start"), n_total, name + "/keys");
    const Value column =
        named(std::make_shared<ov::op::v0::Unsqueeze>(positions_, int_list({1}, name + "/column")),
              name + "/queries");
    mask_ = causal_mask(column, keys, name);
  }

  Value gather_rows(const Value& table, const Value& rows, const std::string& name) {
    return named(std::make_shared<ov::op::v8::Gather>(table, rows, int_scalar(0, name + "/axis")),
                 name + "/Gather");
  }

  Value embed() {
    const auto n_ctx = static_cast<std::size_t>(dims_.n_text_ctx);
    token_table_ = layers_.weights().get(root_ + ".embed_tokens.weight", {vocabulary(), n_state_});
    const Value positions = layers_.weights().get(root_ + ".embed_positions.weight", {n_ctx, n_state_});
    return add(gather_rows(token_table_, tokens_, root_ + ".embed_tokens"),
               gather_rows(positions, positions_, root_ + ".embed_positions"),
               root_ + ".embed_positions/Add");
  }

  Value heads(const Value& x, const std::string& module) {
    return split_heads(x, n_head_, n_state_ / n_head_, module);
  }

  Value project(const Value& x, const std::string& module, bool has_bias = true) {
    return layers_.linear(x, module, n_state_, n_state_, has_bias);
  }

  /// The cache with the new rows behind it, which is an output too.
  Value extend(std::size_t index, const Value& fresh, const std::string& name) {
    const Value all = named(std::make_shared<ov::op::v0::Concat>(ov::OutputVector{caches_[index], fresh}, 1),
                            name + "/Concat");
    results_.push_back(result(all, fmt::format("{}.{}", index % 2 == 0 ? "k" : "v", index / 2)));
    return all;
  }

  Value attention(
      const Value& x, const std::string& module, const Value& k, const Value& v, const Value& mask) {
    const std::string q_name = module + ".q_proj";
    const Value q = heads(scale_query(project(x, q_name), n_state_ / n_head_, q_name), q_name);
    const Value attended =
        attend(q, heads(k, module + ".k_proj"), heads(v, module + ".v_proj"), mask, module);
    return project(merge_heads(attended, n_state_, module), module + ".out_proj");
  }

  Value layer(Value x, std::int64_t i) {
    const std::string name = fmt::format("{}.layers.{}", root_, i);
    const auto index = static_cast<std::size_t>(2 * i);
    const std::string self = name + ".self_attn";
    const Value a = layers_.layer_norm(x, name + ".self_attn_layer_norm", n_state_);
    const Value k = extend(index, project(a, self + ".k_proj", false), self + ".key");
    const Value v = extend(index + 1, project(a, self + ".v_proj"), self + ".value");
    x = add(x, attention(a, self, k, v, mask_), name + "/self_attn_residual");
    const std::string cross = name + ".encoder_attn";
    const Value b = layers_.layer_norm(x, name + ".encoder_attn_layer_norm", n_state_);
    const Value no_mask = named(Constant::create(ov::element::f32, {}, {0.0F}), cross + "/no_mask");
    x = add(x,
            attention(b, cross, project(window_, cross + ".k_proj", false),
                      project(window_, cross + ".v_proj"), no_mask),
            name + "/encoder_attn_residual");
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
  ov::ResultVector results_;
  std::vector<Value> caches_;
  Value tokens_;
  Value window_;
  Value positions_;
  Value mask_;
  Value token_table_;
};

}  // namespace

std::shared_ptr<ov::Model> build_notebook_decoder(Weights& weights, const ModelDimensions& dims, bool tied) {
  return NotebookDecoder(weights, dims, tied).build();
}

}  // namespace sotto::model
