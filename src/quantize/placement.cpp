#include "quantize/placement.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "quantize/op_table.h"

namespace sotto::quantize {
namespace {

/// Schemes a quantizer may take, in the order they are preferred.
enum Scheme : unsigned {
  kAsymmetricPerChannel = 1,
  kSymmetricPerChannel = 2,
  kAsymmetric = 4,
  kSymmetric = 8,
};

/// What the consumers of a tensor or an edge ask of it.
struct Demand {
  unsigned schemes = 0;                    ///< set of Scheme; 0: stays in floating point
  bool feeds_product = false;              ///< reaches a MatMul of two activations
  const ov::Node* unified_with = nullptr;  ///< lowest Concat passed on the way up

  explicit operator bool() const { return schemes != 0; }
};

std::pair<const ov::Node*, std::size_t> key(const Edge& edge) {
  return {edge.get_node(), edge.get_index()};
}

bool is_ignored(const IgnoredNodes& ignored, const ov::Node& node) {
  return ignored.contains(&node) || is_ignored_in_transformers(node);
}

class Placer {
 public:
  Placer(const InferenceGraph& graph, const IgnoredNodes& ignored, const PlacementOptions& options)
      : graph_(graph), ignored_(ignored), options_(options) {}

  Placement run() {
    const auto& nodes = graph_.nodes();
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      if (graph_.contains(**node)) {
        visit(**node);
      }
    }
    placement_.activations = {found_.rbegin(), found_.rend()};
    for (const auto& node : nodes) {
      if (graph_.contains(*node)) {
        place_weights(*node);
      }
    }
    return std::move(placement_);
  }

 private:
  void visit(ov::Node& node) {
    const std::vector<Demand> outputs = merge_outputs(node);
    if (can_pass(node, outputs)) {
      pass_up(node, outputs);
      return;
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i]) {
        place(node.output(i), outputs[i]);
      }
    }
    if (!is_ignored(ignored_, node)) {
      for (const Edge& edge : quantizable_inputs(graph_, node, options_)) {
        demands_[key(edge)] = own_demand(node);
      }
    }
  }

  /// For each output the demand its consumers agree on; where they do not, quantizers go on their edges.
  std::vector<Demand> merge_outputs(ov::Node& node) {
    std::vector<Demand> merged;
    for (const Tensor& output : node.outputs()) {
      merged.push_back(output.get_element_type().is_real() ? merge(output) : Demand{});
    }
    return merged;
  }

  Demand merge(const Tensor& output) {
    const std::vector<Edge> edges = graph_.consumers(output);
    Demand all;
    for (std::size_t i = 0; i < edges.size(); ++i) {
      const Demand& one = demands_[key(edges[i])];
      all.schemes = i == 0 ? one.schemes : all.schemes & one.schemes;
      all.feeds_product |= one.feeds_product;
      all.unified_with = all.unified_with != nullptr ? all.unified_with : one.unified_with;
    }
    if (!all) {
      for (const Edge& edge : edges) {
        place_on_edge(edge);
      }
    }
    return all;
  }

  bool can_pass(const ov::Node& node, const std::vector<Demand>& outputs) const {
    const bool passable = (is_agnostic(node) && !graph_.is_embedding(node)) || type_name(node) == "Concat";
    if (!passable || is_ignored(ignored_, node)) {
      return false;
    }
    unsigned common = ~0U;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!graph_.consumers(const_cast<ov::Node&>(node).output(i)).empty()) {
        common &= outputs[i].schemes;
      }
    }
    return common != 0 && common != ~0U;
  }

  void pass_up(ov::Node& node, const std::vector<Demand>& outputs) {
    Demand up{~0U, false, nullptr};
    for (const Demand& output : outputs) {
      if (output) {
        up.schemes &= output.schemes;
        up.feeds_product |= output.feeds_product;
        up.unified_with = up.unified_with != nullptr ? up.unified_with : output.unified_with;
      }
    }
    if (type_name(node) == "Concat" && up.unified_with == nullptr) {
      up.unified_with = &node;
    }
    for (const Edge& edge : graph_.data_inputs(node)) {
      demands_[key(edge)] = up;
    }
  }

  Demand own_demand(const ov::Node& node) const {
    const unsigned per_tensor = options_.symmetric ? kSymmetric : kAsymmetric;
    const unsigned per_channel = options_.symmetric ? kSymmetricPerChannel : kAsymmetricPerChannel;
    if (is_attention(node)) {
      return {kSymmetric, false, nullptr};
    }
    if (is_depthwise_convolution(node) && options_.per_channel) {
      return {per_channel | per_tensor, false, nullptr};
    }
    return {per_tensor, is_matmul(node) && graph_.weights(node).empty(), nullptr};
  }

  void place(const Tensor& tensor, const Demand& demand) {
    const std::vector<Edge> edges = graph_.consumers(tensor);
    if (tensor.get_node()->get_output_size() > 1) {
      for (const Edge& edge : edges) {
        place_on_edge(edge);
      }
      return;
    }
    if (edges.size() == 1 && is_useless(edges.front())) {
      return;
    }
    found_.push_back(quantizer(tensor, std::nullopt, demand));
  }

  void place_on_edge(const Edge& edge) {
    const Demand& demand = demands_[key(edge)];
    if (demand && !is_useless(edge)) {
      found_.push_back(quantizer(edge.get_source_output(), edge, demand));
    }
  }

  /// The only quantizer of an element by element operation: its other operand stays a constant.
  bool is_useless(const Edge& edge) const {
    return is_elementwise(*edge.get_node()) && graph_.data_inputs(*edge.get_node()).size() == 1;
  }

  static ActivationQuantizer quantizer(const Tensor& tensor,
                                       const std::optional<Edge>& edge,
                                       const Demand& demand) {
    ActivationQuantizer q{tensor, edge, false, false, demand.unified_with};
    q.symmetric = demand.feeds_product || (demand.schemes & (kAsymmetricPerChannel | kAsymmetric)) == 0;
    q.per_channel = (demand.schemes & (kAsymmetricPerChannel | kSymmetricPerChannel)) != 0;
    return q;
  }

  void place_weights(const ov::Node& node) {
    const auto& weights = graph_.weights(node);
    const auto ignored = ignored_.find(&node);
    if (ignored == ignored_.end()) {
      placement_.weights.insert(placement_.weights.end(), weights.begin(), weights.end());
      return;
    }
    placement_.skipped.push_back({"min_max", node.get_friendly_name(), false, ignored->second, 0.0});
  }

  const InferenceGraph& graph_;
  const IgnoredNodes& ignored_;
  const PlacementOptions& options_;
  std::map<std::pair<const ov::Node*, std::size_t>, Demand> demands_;
  std::vector<ActivationQuantizer> found_;  // last first
  Placement placement_;
};

}  // namespace

std::vector<Edge> quantizable_inputs(const InferenceGraph& graph,
                                     ov::Node& node,
                                     const PlacementOptions& options) {
  const bool is_output = type_name(node) == "Result" && options.outputs;
  if (!(is_quantizable(node) || is_output) || (is_attention(node) && !options.attention_inputs)) {
    return {};
  }
  std::vector<Edge> edges;
  for (const Edge& edge : graph.data_inputs(node)) {
    if (!is_attention(node) || edge.get_index() < 2) {  // the product with V stays in floating point
      edges.push_back(edge);
    }
  }
  return edges;
}

Placement place_quantizers(const InferenceGraph& graph,
                           const IgnoredNodes& ignored,
                           const PlacementOptions& options) {
  return Placer(graph, ignored, options).run();
}

}  // namespace sotto::quantize
