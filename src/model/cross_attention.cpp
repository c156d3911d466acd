#include "model/cross_attention.h"

#include <openvino/op/parameter.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/shape_of.hpp>

namespace sotto::model {

std::unordered_set<const ov::Node*> window_nodes(const ov::Model& decoder) {
  const ov::Node* window = decoder.input("encoder_hidden_states").get_node();
  std::unordered_set<const ov::Node*> heard = {window};
  std::unordered_set<const ov::Node*> said;
  for (const auto& node : decoder.get_ordered_ops()) {
    if (ov::is_type<ov::op::v3::ShapeOf>(node)) {
      continue;  // how many there are, not what they hold
    }
    bool hears = node.get() == window;
    bool reads_tokens = ov::is_type<ov::op::v0::Parameter>(node) && !hears;
    for (const auto& input : node->input_values()) {
      hears = hears || heard.contains(input.get_node());
      reads_tokens = reads_tokens || said.contains(input.get_node());
    }
    if (reads_tokens) {
      said.insert(node.get());
    } else if (hears) {
      heard.insert(node.get());
    }
  }
  return heard;
}

std::vector<std::shared_ptr<ov::Node>> cross_attention_nodes(const ov::Model& decoder) {
  constexpr std::size_t kKey = 1;
  const auto heard = window_nodes(decoder);
  std::vector<std::shared_ptr<ov::Node>> found;
  for (const auto& node : decoder.get_ordered_ops()) {
    if (ov::is_type<ov::op::v13::ScaledDotProductAttention>(node) &&
        heard.contains(node->get_input_node_ptr(kKey))) {
      found.push_back(node);
    }
  }
  return found;
}

}  // namespace sotto::model
