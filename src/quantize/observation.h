#pragma once

#include <cstdint>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/statistics.h"

namespace sotto::quantize {

/// A tensor of a model and the site under which it is observed.
struct Observation {
  Tensor tensor;
  Site site;
  bool shape = false;  ///< the first sample's shape is wanted too
};

/// Every tensor that any choice of options could quantize, smooth or correct with, each once.
/// Throws Error(bad_format) for a tensor of dynamic rank.
std::vector<Observation> find_observations(const InferenceGraph& graph, bool attention_inputs);

/// The tensor from which `tensor` differs only in shape: what Reshape and Transpose above it read.
Tensor value_root(const Tensor& tensor);

/// A number that changes with the model's operations, shapes or constants.
std::uint64_t model_hash(const InferenceGraph& graph);

}  // namespace sotto::quantize
