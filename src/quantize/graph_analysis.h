#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/op/constant.hpp>

namespace sotto::quantize {

using Tensor = ov::Output<ov::Node>;
using Edge = ov::Input<ov::Node>;

/// A floating-point Constant that is an operand of a layer, read directly or through Convert and Reshape.
struct Weight {
  ov::Node* node = nullptr;
  std::size_t port = 0;
  std::shared_ptr<ov::op::v0::Constant> constant;
  ov::Shape shape;                        ///< as the layer reads it
  std::vector<std::size_t> channel_axes;  ///< axes of `shape` that keep a range of their own
  std::optional<std::size_t> input_axis;  ///< axis multiplied with the activation's channels

  /// What the layer reads: the constant or the Convert behind it.
  ov::Output<ov::Node> operand() const { return node->input_value(port); }
};

/// The part of a model that computes on data: without constant subgraphs and without arithmetic on shapes.
/// Source: NNCF 3.4.0, quantization/passes.py and openvino/graph/nncf_graph_builder.py.
class InferenceGraph {
 public:
  explicit InferenceGraph(const std::shared_ptr<ov::Model>& model);

  /// Every node of the model in topological order.
  const ov::NodeVector& nodes() const { return nodes_; }
  bool contains(const ov::Node& node) const { return inference_.contains(&node); }
  /// Weights of a node that depends on data; empty for every other node. One for most layers.
  const std::vector<Weight>& weights(const ov::Node& node) const;
  /// The only weight of a node, or nullptr.
  const Weight* weight(const ov::Node& node) const;
  /// Gather on a floating-point table of constants.
  bool is_embedding(const ov::Node& node) const;
  /// Inputs of a node that carry floating-point data (not weights, not shapes).
  std::vector<Edge> data_inputs(ov::Node& node) const;
  /// Uses of a tensor by nodes of this graph.
  std::vector<Edge> consumers(const Tensor& tensor) const;

 private:
  void find_data_nodes(const std::shared_ptr<ov::Model>& model);
  void remove_shape_subgraphs();
  void find_weights(ov::Node& node);

  ov::NodeVector nodes_;
  std::unordered_set<const ov::Node*> inference_;
  std::unordered_map<const ov::Node*, std::vector<Weight>> weights_;
};

/// Axis of the channels that a layer's weight multiplies in the activation at `port`, counted from the
/// front; `rank` is the activation's. Source: nncf/openvino/graph/layout.py.
std::size_t activation_channel_axis(const ov::Node& node, std::size_t port, std::size_t rank);

/// The constant a bias Add adds to the output of `node`, or nullptr: the first Add among the direct consumers
/// with a floating-point Constant operand (read directly or through Convert).
struct Bias {
  ov::Node* add = nullptr;
  std::size_t port = 0;
  std::shared_ptr<ov::op::v0::Constant> constant;
};
std::optional<Bias> find_bias(const InferenceGraph& graph, const ov::Node& node);

/// Gives repeated friendly names a trailing "0", as NNCF does before anything else.
void make_friendly_names_unique(const ov::Model& model);

/// "<friendly name>, port N" for messages.
std::string describe(const Tensor& tensor);

}  // namespace sotto::quantize
