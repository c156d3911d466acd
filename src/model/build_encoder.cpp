#include <fmt/format.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/transpose.hpp>

#include "model/graphs.h"
#include "model/layers.h"

namespace sotto::model {
namespace {

/// Attention of every frame to every frame. x [batch, n_audio_ctx, n_state].
Value self_attention(Layers& layers, const Value& x, const std::string& module, const ModelDimensions& dims) {
  const auto n_state = static_cast<std::size_t>(dims.n_audio_state);
  const auto n_head = static_cast<std::size_t>(dims.n_audio_head);
  const auto project = [&](const std::string& name, bool has_bias) {
    return layers.linear(x, module + name, n_state, n_state, has_bias);
  };
  const auto heads = [&](const Value& projected, const std::string& name) {
    return split_heads(projected, n_head, n_state / n_head, module + name);
  };
  const Value scaled = scale_query(project(".q_proj", true), n_state / n_head, module + ".q_proj");
  const Value q = heads(scaled, ".q_proj");
  const Value k = heads(project(".k_proj", false), ".k_proj");
  const Value v = heads(project(".v_proj", true), ".v_proj");
  const Value no_mask =
      named(ov::op::v0::Constant::create(ov::element::f32, {}, {0.0F}), module + "/no_mask");
  const Value attended = attend(q, k, v, no_mask, module);
  return layers.linear(merge_heads(attended, n_state, module), module + ".out_proj", n_state, n_state);
}

}  // namespace

std::shared_ptr<ov::Model> build_encoder(Weights& weights, const ModelDimensions& dims) {
  Layers layers(weights);
  const std::string root = "model.encoder";
  const auto n_state = static_cast<std::size_t>(dims.n_audio_state);
  const auto n_mels = static_cast<std::size_t>(dims.n_mels);
  const auto n_ctx = static_cast<std::size_t>(dims.n_audio_ctx);

  const auto features = std::make_shared<ov::op::v0::Parameter>(
      ov::element::f32, ov::PartialShape{-1, dims.n_mels, 2 * dims.n_audio_ctx});
  features->output(0).set_names({"input_features"});
  Value x = named(features, "input_features");
  x = layers.conv_gelu(x, root + ".conv1", n_mels, n_state, 1);
  x = layers.conv_gelu(x, root + ".conv2", n_state, n_state, 2);
  const Value order = int_list({0, 2, 1}, root + "/order");
  x = named(std::make_shared<ov::op::v1::Transpose>(x, order), root + "/Transpose");
  x = add(x, weights.get(root + ".embed_positions.weight", {n_ctx, n_state}, {1, n_ctx, n_state}),
          root + ".embed_positions/Add");

  for (std::int64_t i = 0; i < dims.n_audio_layer; ++i) {
    const std::string layer = fmt::format("{}.layers.{}", root, i);
    const Value normed = layers.layer_norm(x, layer + ".self_attn_layer_norm", n_state);
    x = add(x, self_attention(layers, normed, layer + ".self_attn", dims), layer + "/self_attn_residual");
    const Value normed_again = layers.layer_norm(x, layer + ".final_layer_norm", n_state);
    x = add(x, layers.feed_forward(normed_again, layer, n_state), layer + "/feed_forward_residual");
  }
  x = layers.layer_norm(x, root + ".layer_norm", n_state);
  x.set_names({"last_hidden_state"});
  const auto result = std::make_shared<ov::op::v0::Result>(x);
  result->set_friendly_name("last_hidden_state");
  return std::make_shared<ov::Model>(ov::ResultVector{result}, ov::ParameterVector{features},
                                     "whisper_encoder");
}

}  // namespace sotto::model
