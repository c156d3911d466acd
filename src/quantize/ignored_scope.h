#pragma once

#include "quantize/graph_analysis.h"
#include "quantize/placement.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// Nodes that the scope names. Throws Error(not_found) for a rule that matches nothing (unless validate is
/// off) and Error(invalid_argument) for a pattern that is no regular expression.
/// Source: NNCF 3.4.0, scopes.py.
IgnoredNodes match_scope(const InferenceGraph& graph, const IgnoredScope& scope);

}  // namespace sotto::quantize
