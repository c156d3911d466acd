#include "quantize/ignored_patterns.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "quantize/op_table.h"

namespace sotto::quantize {
namespace {

using NodeSet = std::unordered_set<const ov::Node*>;

bool is_any(const ov::Node& node, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type_name(node)) != types.end();
}

/// Consumers of all outputs of `node` inside the graph that have one of the types.
std::vector<ov::Node*> next(const InferenceGraph& graph,
                            ov::Node& node,
                            std::initializer_list<std::string_view> types) {
  std::vector<ov::Node*> found;
  for (const Tensor& output : node.outputs()) {
    for (const Edge& edge : graph.consumers(output)) {
      if (is_any(*edge.get_node(), types)) {
        found.push_back(edge.get_node());
      }
    }
  }
  return found;
}

/// Softmax → [Reshape →] MatMul ← {where values come from}: all of them.
void match_attention_output(const InferenceGraph& graph, ov::Node& softmax, NodeSet& ignored) {
  std::vector<std::pair<ov::Node*, ov::Node*>> found;  // what feeds the MatMul, the MatMul
  for (ov::Node* matmul : next(graph, softmax, {"MatMul"})) {
    found.emplace_back(&softmax, matmul);
  }
  for (ov::Node* reshape : next(graph, softmax, {"Reshape"})) {
    for (ov::Node* matmul : next(graph, *reshape, {"MatMul"})) {
      found.emplace_back(reshape, matmul);
    }
  }
  for (const auto& [probabilities, matmul] : found) {
    for (std::size_t port = 0; port < 2; ++port) {
      ov::Node* values = matmul->get_input_node_ptr(port);
      if (values != probabilities && graph.contains(*values) &&
          is_any(*values, {"ReadValue", "Reshape", "Transpose", "Split", "Gather", "Squeeze", "Concat"}) &&
          (type_name(*values) != "Gather" || !graph.is_embedding(*values))) {
        ignored.insert({&softmax, probabilities, matmul, values});
      }
    }
  }
}

/// MatMul → [Transpose →] [Concat →] {Cos, Sin}, with at least one of the two between.
void match_rotary_embedding(const InferenceGraph& graph, ov::Node& matmul, NodeSet& ignored) {
  const auto end_at = [&](std::initializer_list<ov::Node*> path) {
    const auto ends = next(graph, **(path.end() - 1), {"Cos", "Sin"});
    if (!ends.empty()) {
      ignored.insert(path.begin(), path.end());
      ignored.insert(ends.begin(), ends.end());
    }
  };
  for (ov::Node* transpose : next(graph, matmul, {"Transpose"})) {
    end_at({&matmul, transpose});
    for (ov::Node* concat : next(graph, *transpose, {"Concat"})) {
      end_at({&matmul, transpose, concat});
    }
  }
  for (ov::Node* concat : next(graph, matmul, {"Concat"})) {
    end_at({&matmul, concat});
  }
}

/// MatMul → Multiply → {Cos, Sin} → Concat, as in SAM's position encoding.
void match_sam_position(const InferenceGraph& graph, ov::Node& matmul, NodeSet& ignored) {
  for (ov::Node* multiply : next(graph, matmul, {"Multiply"})) {
    for (ov::Node* wave : next(graph, *multiply, {"Cos", "Sin"})) {
      for (ov::Node* concat : next(graph, *wave, {"Concat"})) {
        ignored.insert({&matmul, multiply, wave, concat});
      }
    }
  }
}

bool is_linear(const ov::Node& node) {
  return is_convolution(node) || is_matmul(node);
}

/// The Add behind a linear layer, or nullptr.
ov::Node* biased(const InferenceGraph& graph, ov::Node& linear) {
  const auto adds = next(graph, linear, {"Add"});
  return adds.size() == 1 ? adds.front() : nullptr;
}

/// ReduceMean → linear → Add → activation → linear → Add → gate → Multiply with what was reduced. The
/// reduction and the product themselves are not part of it.
void match_squeeze_excite(const InferenceGraph& graph, ov::Node& reduce, NodeSet& ignored) {
  for (const Edge& first : graph.consumers(reduce.output(0))) {
    ov::Node* linear = first.get_node();
    ov::Node* add = is_linear(*linear) ? biased(graph, *linear) : nullptr;
    if (add == nullptr) {
      continue;
    }
    for (ov::Node* activation : next(graph, *add, {"Relu", "PRelu", "Swish"})) {
      for (const Edge& second : graph.consumers(activation->output(0))) {
        ov::Node* expand = second.get_node();
        ov::Node* expand_add = is_linear(*expand) ? biased(graph, *expand) : nullptr;
        if (expand_add == nullptr) {
          continue;
        }
        for (ov::Node* gate : next(graph, *expand_add, {"Sigmoid", "HSigmoid"})) {
          for (ov::Node* product : next(graph, *gate, {"Multiply"})) {
            if (product->input_value(0) == reduce.input_value(0) ||
                product->input_value(1) == reduce.input_value(0)) {
              ignored.insert({linear, add, activation, expand, expand_add, gate});
            }
          }
        }
      }
    }
  }
}

/// Unsqueeze → Multiply → Add → Squeeze.
void match_batch_norm_after_linear(const InferenceGraph& graph, ov::Node& unsqueeze, NodeSet& ignored) {
  for (ov::Node* multiply : next(graph, unsqueeze, {"Multiply"})) {
    for (ov::Node* add : next(graph, *multiply, {"Add"})) {
      for (ov::Node* squeeze : next(graph, *add, {"Squeeze"})) {
        ignored.insert({&unsqueeze, multiply, add, squeeze});
      }
    }
  }
}

}  // namespace

std::unordered_set<const ov::Node*> match_ignored_patterns(const InferenceGraph& graph) {
  NodeSet ignored;
  for (const auto& node : graph.nodes()) {
    if (!graph.contains(*node)) {
      continue;
    }
    const std::string_view type = type_name(*node);
    if (type == "Softmax") {
      match_attention_output(graph, *node, ignored);
    } else if (type == "MatMul") {
      match_rotary_embedding(graph, *node, ignored);
      match_sam_position(graph, *node, ignored);
    } else if (type == "ReduceMean") {
      match_squeeze_excite(graph, *node, ignored);
    } else if (type == "Unsqueeze") {
      match_batch_norm_after_linear(graph, *node, ignored);
    } else if (type == "Equal") {
      for (ov::Node* inverse : next(graph, *node, {"LogicalNot"})) {
        ignored.insert({node.get(), inverse});
      }
    }
  }
  return ignored;
}

}  // namespace sotto::quantize
