#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include <openvino/core/model.hpp>

namespace sotto::model {

/// The nodes of a decoder that follow from the input encoder_hidden_states and constants alone: what is the
/// same for every token of a window. States count with what they begin with,
/// and shapes of other values as constants.
std::unordered_set<const ov::Node*> window_nodes(const ov::Model& decoder);

/// The attention nodes whose keys follow from the window alone, by layer. Empty where a decoder has them in
/// parts (MatMul, Softmax, MatMul).
std::vector<std::shared_ptr<ov::Node>> cross_attention_nodes(const ov::Model& decoder);

}  // namespace sotto::model
