#pragma once

#include <openvino/core/model.hpp>

namespace sotto::model {

/// Puts constants in the place of what a graph computes from dimensions that are the same for every input, a
/// head's size say, as traced graphs do.
void fold_known_dimensions(ov::Model& model);

}  // namespace sotto::model
