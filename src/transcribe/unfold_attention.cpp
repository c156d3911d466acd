#include "transcribe/unfold_attention.h"

#include <memory>
#include <vector>

#include <openvino/core/graph_util.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/softmax.hpp>

namespace sotto::transcribe {
namespace {

using Attention = ov::op::v13::ScaledDotProductAttention;

bool is_scalar(const ov::Output<ov::Node>& value, float expected) {
  const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(value.get_node_shared_ptr());
  return constant && ov::shape_size(constant->get_shape()) == 1 &&
         constant->cast_vector<float>()[0] == expected;
}

bool is_quantized(const ov::Output<ov::Node>& value) {
  return ov::is_type<ov::op::v0::FakeQuantize>(value.get_node());
}

/// True for softmax(q · kᵀ) · v of quantized q and k, and nothing more.
bool is_plain(const Attention& attention) {
  return !attention.get_causal() && attention.get_input_size() == 5 &&
         is_scalar(attention.input_value(3), 0.0F) && is_scalar(attention.input_value(4), 1.0F) &&
         is_quantized(attention.input_value(0)) && is_quantized(attention.input_value(1));
}

}  // namespace

std::size_t unfold_attention(ov::Model& model) {
  std::size_t n_unfolded = 0;
  for (const auto& node : model.get_ordered_ops()) {
    const auto attention = ov::as_type_ptr<Attention>(node);
    if (!attention || !is_plain(*attention)) {
      continue;
    }
    const auto scores = std::make_shared<ov::op::v0::MatMul>(attention->input_value(0),
                                                             attention->input_value(1), false, true);
    const auto weights = std::make_shared<ov::op::v8::Softmax>(scores, -1);
    const auto attended = std::make_shared<ov::op::v0::MatMul>(weights, attention->input_value(2));
    attended->set_friendly_name(attention->get_friendly_name());
    ov::replace_node(attention, attended);
    ++n_unfolded;
  }
  return n_unfolded;
}

}  // namespace sotto::transcribe
