#include "quantize/graph_analysis.h"

#include <algorithm>
#include <string_view>

#include <openvino/op/matmul.hpp>
#include <openvino/op/util/variable.hpp>

#include "quantize/op_table.h"

namespace sotto::quantize {
namespace {

using ov::op::v0::Constant;

bool is_shape_of(const ov::Node& node) {
  return type_name(node) == "ShapeOf";
}

/// The constant above an operand, through what the plugin folds into it.
std::shared_ptr<Constant> constant_above(const Tensor& operand) {
  ov::Node* node = operand.get_node();
  for (;;) {
    const std::string_view type = type_name(*node);
    if (type == "Constant") {
      return std::dynamic_pointer_cast<Constant>(node->shared_from_this());
    }
    if (type != "Convert" && type != "Reshape" && type != "FakeQuantize" && type != "FakeConvert") {
      return nullptr;
    }
    node = node->get_input_node_ptr(0);
  }
}

std::vector<std::size_t> range(std::size_t first, std::size_t last) {
  std::vector<std::size_t> axes;
  for (; first < last; ++first) {
    axes.push_back(first);
  }
  return axes;
}

/// Axes of a MatMul operand of `rank`: those of the product's rows or columns, and the summed one.
/// Source: nncf/openvino/graph/layout.py, get_linear_input_layout().
std::size_t matmul_input_axis(const ov::Node& node, std::size_t port, std::size_t rank) {
  const auto& matmul = dynamic_cast<const ov::op::v0::MatMul&>(node);
  const bool transpose = port == 0 ? matmul.get_transpose_a() : matmul.get_transpose_b();
  if (rank == 1) {
    return 0;
  }
  return transpose == (port == 0) ? rank - 2 : rank - 1;
}

void set_axes(Weight& weight) {
  const std::size_t rank = weight.shape.size();
  const std::string_view type = type_name(*weight.node);
  if (type == "MatMul") {
    weight.input_axis = matmul_input_axis(*weight.node, weight.port, rank);
    weight.channel_axes = range(0, rank);
    std::erase(weight.channel_axes, *weight.input_axis);
  } else if (type == "GroupConvolution" || type == "GroupConvolutionBackpropData") {
    weight.channel_axes = {0, type == "GroupConvolution" ? 1U : 2U};
  } else if (type == "Convolution") {
    weight.channel_axes = {0};
    weight.input_axis = 1;
  } else if (type == "Gather") {
    weight.channel_axes = {0};
  } else {  // ConvolutionBackpropData, LSTMSequence, GRUSequence
    weight.channel_axes = {1};
  }
}

/// How many of a node's first inputs may be weights.
std::size_t n_weight_ports(const ov::Node& node) {
  const std::string_view type = type_name(node);
  if (type == "Gather") {
    return 1;
  }
  if (type == "LSTMSequence") {
    return std::min<std::size_t>(node.get_input_size(), 6);
  }
  if (type == "GRUSequence") {
    return std::min<std::size_t>(node.get_input_size(), 5);
  }
  return std::min<std::size_t>(node.get_input_size(), 2);
}

}  // namespace

InferenceGraph::InferenceGraph(const std::shared_ptr<ov::Model>& model) : nodes_(model->get_ordered_ops()) {
  find_data_nodes(model);
  for (const auto& node : nodes_) {
    if (contains(*node) && can_have_weights(*node)) {
      find_weights(*node);
    }
  }
  remove_shape_subgraphs();
}

void InferenceGraph::find_data_nodes(const std::shared_ptr<ov::Model>&) {
  for (const auto& node : nodes_) {  // topological: producers come first
    const std::string_view type = type_name(*node);
    bool on_path = type == "Parameter" || type == "ReadValue";
    for (std::size_t i = 0; i < node->get_input_size() && !on_path; ++i) {
      on_path = contains(*node->get_input_node_ptr(i));
    }
    if (on_path) {
      inference_.insert(node.get());
    }
  }
}

void InferenceGraph::find_weights(ov::Node& node) {
  std::vector<Weight> found;
  for (std::size_t port = 0; port < n_weight_ports(node); ++port) {
    const Tensor operand = node.input_value(port);
    if (contains(*operand.get_node())) {
      continue;
    }
    const auto constant = constant_above(operand);
    if (!constant || !constant->get_element_type().is_real()) {
      continue;
    }
    found.push_back({&node, port, constant, operand.get_shape(), {}, {}});
    set_axes(found.back());
  }
  if (!found.empty()) {
    weights_.emplace(&node, std::move(found));
  }
}

void InferenceGraph::remove_shape_subgraphs() {
  // What data reaches without passing a ShapeOf stays; what hangs on a ShapeOf goes, in both directions.
  std::unordered_set<const ov::Node*> reached;
  std::vector<ov::Node*> shape_ofs;
  for (const auto& node : nodes_) {
    const std::string_view type = type_name(*node);
    bool on_path = type == "Parameter" || type == "ReadValue" || is_embedding(*node);
    for (std::size_t i = 0; i < node->get_input_size() && !on_path; ++i) {
      on_path = reached.contains(node->get_input_node_ptr(i));
    }
    if (on_path && is_shape_of(*node)) {
      shape_ofs.push_back(node.get());
    } else if (on_path) {
      reached.insert(node.get());
    }
  }
  std::erase_if(inference_, [&](const ov::Node* node) { return !reached.contains(node); });
  for (const ov::Node* node : reached) {
    inference_.insert(node);
  }
}

const std::vector<Weight>& InferenceGraph::weights(const ov::Node& node) const {
  static const std::vector<Weight> none;
  const auto found = weights_.find(&node);
  return found == weights_.end() ? none : found->second;
}

const Weight* InferenceGraph::weight(const ov::Node& node) const {
  const auto& all = weights(node);
  return all.size() == 1 ? &all.front() : nullptr;
}

bool InferenceGraph::is_embedding(const ov::Node& node) const {
  return type_name(node) == "Gather" && !weights(node).empty();
}

std::vector<Edge> InferenceGraph::data_inputs(ov::Node& node) const {
  std::vector<Edge> edges;
  for (const Edge& edge : node.inputs()) {
    if (edge.get_element_type().is_real() && contains(*edge.get_source_output().get_node())) {
      edges.push_back(edge);
    }
  }
  return edges;
}

std::vector<Edge> InferenceGraph::consumers(const Tensor& tensor) const {
  std::vector<Edge> edges;
  for (const Edge& edge : tensor.get_target_inputs()) {
    if (contains(*edge.get_node())) {
      edges.push_back(edge);
    }
  }
  return edges;
}

std::size_t activation_channel_axis(const ov::Node& node, std::size_t port, std::size_t rank) {
  return is_matmul(node) ? matmul_input_axis(node, port, rank) : 1;
}

std::optional<Bias> find_bias(const InferenceGraph& graph, const ov::Node& node) {
  for (const Edge& edge : graph.consumers(const_cast<ov::Node&>(node).output(0))) {
    ov::Node* add = edge.get_node();
    if (type_name(*add) != "Add") {
      continue;
    }
    const std::size_t port = 1 - edge.get_index();
    const auto operand = add->get_input_node_shared_ptr(port);
    const auto source = type_name(*operand) == "Convert" ? operand->get_input_node_shared_ptr(0) : operand;
    const auto constant = std::dynamic_pointer_cast<Constant>(source);
    if (constant && constant->get_element_type().is_real()) {
      return Bias{add, port, constant};
    }
  }
  return std::nullopt;
}

void make_friendly_names_unique(const ov::Model& model) {
  std::unordered_set<std::string> names;
  for (const auto& node : model.get_ops()) {
    while (!names.insert(node->get_friendly_name()).second) {
      node->set_friendly_name(node->get_friendly_name() + "0");
    }
  }
}

std::string describe(const Tensor& tensor) {
  return tensor.get_node()->get_friendly_name() + ", port " + std::to_string(tensor.get_index());
}

}  // namespace sotto::quantize
