#pragma once

#include <unordered_set>

#include "quantize/graph_analysis.h"

namespace sotto::quantize {

/// Nodes that stay in floating point in a transformer because of what surrounds them: the product of softmax
/// and values, rotary position arithmetic, squeeze-and-excitation blocks.
/// Source: NNCF 3.4.0, openvino/quantization/ignored_patterns.py.
std::unordered_set<const ov::Node*> match_ignored_patterns(const InferenceGraph& graph);

}  // namespace sotto::quantize
