#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "quantize/graph_analysis.h"

namespace sotto::quantize {

/// Tokens, or output channels of a weight: [n][input channels].
using Rows = std::vector<std::vector<float>>;

/// Appends at most `n_most` output channels of a weight of two axes, evenly chosen, to `rows`.
void append_outputs(const Weight& weight, std::span<const float> values, std::size_t n_most, Rows& rows);

/// What a layer of those output channels gives for the tokens: [tokens][outputs].
Rows products(const Rows& tokens, const Rows& outputs);

}  // namespace sotto::quantize
