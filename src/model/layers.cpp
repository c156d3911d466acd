#include "model/layers.h"

#include <cmath>

#include <openvino/op/add.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/gelu.hpp>
#include <openvino/op/less_eq.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/mvn.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/select.hpp>
#include <openvino/op/transpose.hpp>
#include <openvino/op/unsqueeze.hpp>

namespace sotto::model {

using ov::op::v0::Constant;

Value named(const std::shared_ptr<ov::Node>& node, const std::string& name) {
  node->set_friendly_name(name);
  return node->output(0);
}

Value int_list(const std::vector<std::int64_t>& values, const std::string& name) {
  return named(Constant::create(ov::element::i64, {values.size()}, values), name);
}

Value int_scalar(std::int64_t value, const std::string& name) {
  return named(Constant::create(ov::element::i64, {}, {value}), name);
}

Value add(const Value& a, const Value& b, const std::string& name) {
  return named(std::make_shared<ov::op::v1::Add>(a, b), name);
}

Value gelu(const Value& x, const std::string& name) {
  return named(std::make_shared<ov::op::v7::Gelu>(x, ov::op::GeluApproximationMode::ERF), name);
}

Value causal_mask(const Value& queries, const Value& keys, const std::string& name) {
  constexpr float kHidden = -65504.0F;
  const Value sees = named(std::make_shared<ov::op::v1::LessEqual>(keys, queries), name + "/LessEqual");
  const Value shown = named(Constant::create(ov::element::f32, {}, {0.0F}), name + "/shown");
  const Value hidden = named(Constant::create(ov::element::f32, {}, {kHidden}), name + "/hidden");
  const Value mask = named(std::make_shared<ov::op::v1::Select>(sees, shown, hidden), name + "/Select");
  return named(std::make_shared<ov::op::v0::Unsqueeze>(mask, int_list({0, 1}, name + "/axes")), name);
}

Value scale_query(const Value& q, std::size_t head_size, const std::string& name) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
  const Value constant = named(Constant::create(ov::element::f32, {1, 1, 1}, {scale}), name + "/scale");
  return named(std::make_shared<ov::op::v1::Multiply>(q, constant), name + "/Multiply");
}

Value attend(const Value& q, const Value& k, const Value& v, const Value& mask, const std::string& name) {
  // The CPU plugin would apply any other scale to the keys, 1500 rows in every step, instead of the query.
  const Value one = named(Constant::create(ov::element::f32, {}, {1.0F}), name + "/one");
  return named(std::make_shared<ov::op::v13::ScaledDotProductAttention>(q, k, v, mask, one, false),
               name + "/ScaledDotProductAttention");
}

Value split_heads(const Value& x, std::size_t n_head, std::size_t head_size, const std::string& name) {
  const auto heads = static_cast<std::int64_t>(n_head);
  const auto size = static_cast<std::int64_t>(head_size);
  const Value shape = int_list({0, 0, heads, size}, name + "/heads");
  const Value split = named(std::make_shared<ov::op::v1::Reshape>(x, shape, true), name + "/Reshape");
  const Value order = int_list({0, 2, 1, 3}, name + "/order");
  return named(std::make_shared<ov::op::v1::Transpose>(split, order), name + "/Transpose");
}

Value merge_heads(const Value& x, std::size_t n_state, const std::string& name) {
  const Value order = int_list({0, 2, 1, 3}, name + "/merge_order");
  const Value rows = named(std::make_shared<ov::op::v1::Transpose>(x, order), name + "/merge_Transpose");
  const Value shape = int_list({0, 0, static_cast<std::int64_t>(n_state)}, name + "/merged");
  return named(std::make_shared<ov::op::v1::Reshape>(rows, shape, true), name + "/merge_Reshape");
}

Value Layers::linear(
    const Value& x, const std::string& module, std::size_t n_in, std::size_t n_out, bool has_bias) {
  const Value weight = weights_.get(module + ".weight", {n_out, n_in});
  const Value product =
      named(std::make_shared<ov::op::v0::MatMul>(x, weight, false, true), module + "/MatMul");
  return has_bias ? add(product, weights_.get(module + ".bias", {n_out}, {1, 1, n_out}), module + "/Add")
                  : product;
}

Value Layers::layer_norm(const Value& x, const std::string& module, std::size_t n_state) {
  constexpr float kEpsilon = 1e-5F;
  const Value axes = int_list({-1}, module + "/axes");
  const Value normed =
      named(std::make_shared<ov::op::v6::MVN>(x, axes, true, kEpsilon, ov::op::MVNEpsMode::INSIDE_SQRT),
            module + "/MVN");
  const Value gain = weights_.get(module + ".weight", {n_state}, {1, 1, n_state});
  const Value scaled = named(std::make_shared<ov::op::v1::Multiply>(normed, gain), module + "/Multiply");
  return add(scaled, weights_.get(module + ".bias", {n_state}, {1, 1, n_state}), module + "/Add");
}

Value Layers::conv_gelu(
    const Value& x, const std::string& module, std::size_t n_in, std::size_t n_out, std::size_t stride) {
  constexpr std::size_t kKernel = 3;
  const Value weight = weights_.get(module + ".weight", {n_out, n_in, kKernel});
  const Value conv =
      named(std::make_shared<ov::op::v1::Convolution>(x, weight, ov::Strides{stride}, ov::CoordinateDiff{1},
                                                      ov::CoordinateDiff{1}, ov::Strides{1}),
            module + "/Convolution");
  const Value biased = add(conv, weights_.get(module + ".bias", {n_out}, {1, n_out, 1}), module + "/Add");
  return gelu(biased, module + "/Gelu");
}

Value Layers::feed_forward(const Value& x, const std::string& layer, std::size_t n_state) {
  const std::size_t n_inner = weights_.n_rows(layer + ".fc1.weight");
  const Value inner = gelu(linear(x, layer + ".fc1", n_state, n_inner), layer + ".activation_fn/Gelu");
  return linear(inner, layer + ".fc2", n_inner, n_state);
}

}  // namespace sotto::model
