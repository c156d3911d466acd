#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "quantize/graph_analysis.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// A FakeQuantize to be: on one edge, or on a tensor and so on all its consumers.
struct ActivationQuantizer {
  Tensor tensor;
  std::optional<Edge> edge;
  bool symmetric = false;
  bool per_channel = false;                ///< along axis 1
  const ov::Node* unified_with = nullptr;  ///< quantizers that name the same node share one range
};

/// Why a node is left in floating point.
using IgnoredNodes = std::unordered_map<const ov::Node*, std::string>;

struct PlacementOptions {
  bool symmetric = false;         ///< activations; those that must be are in any case
  bool attention_inputs = false;  ///< quantize Q and K of ScaledDotProductAttention
  bool outputs = false;           ///< quantize what the model's Results read
  bool per_channel = true;        ///< what depthwise convolutions read
};

struct Placement {
  std::vector<ActivationQuantizer> activations;
  std::vector<Weight> weights;      ///< in topological order of their layers
  std::vector<StepReport> skipped;  ///< nodes that stay in floating point, and why
};

/// Decides which tensors get a FakeQuantize in a transformer. A quantizer starts at every input of a
/// quantizable operation and moves up while operations above only move values; at a branch all quantizers
/// merge into one above it or stay on their edges.
/// Source: NNCF 3.4.0, common/quantization/quantizer_propagation/solver.py with model_type=TRANSFORMER,
/// target_device=ANY, MERGE_ALL_IN_ONE.
Placement place_quantizers(const InferenceGraph& graph,
                           const IgnoredNodes& ignored,
                           const PlacementOptions& options);

/// Inputs of a node that its INT8 form reads as integers; empty if it has none.
std::vector<Edge> quantizable_inputs(const InferenceGraph& graph,
                                     ov::Node& node,
                                     const PlacementOptions& options);

}  // namespace sotto::quantize
