#pragma once

#include <openvino/core/model.hpp>

namespace sotto::transcribe {

/// Takes the rows of a quantized token table before they are scaled, not after: Gather((table - zero) ·
/// scale) becomes (Gather(table) - Gather(zero)) · Gather(scale), with the same values. A device folds the
/// first form into a table of f32, four times the INT8 one, at every compilation. Returns how many Gathers it
/// moved.
std::size_t gather_rows_first(ov::Model& model);

}  // namespace sotto::transcribe
