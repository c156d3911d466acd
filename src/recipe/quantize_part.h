#pragma once

#include <cstddef>
#include <memory>

#include "sotto/quantize.h"
#include "sotto/recipe.h"

namespace sotto {

/// What a part's format is reached with.
struct PartInput {
  const quantize::QuantizeOptions& options;
  const quantize::CompressWeightsOptions& weights;
  const quantize::Statistics* statistics = nullptr;  ///< needed for int8
  std::size_t n_utterances = 0;                      ///< they were taken from
  quantize::Replay replay = {};                      ///< needed for full bias correction
};

/// A part made what its format says, and a note of that in the graph. `format` is not automatic; for fp the
/// result is the model itself.
quantize::QuantizeResult quantize_part(const std::shared_ptr<ov::Model>& fp,
                                       PartFormat format,
                                       const PartInput& input,
                                       const Progress& progress);

}  // namespace sotto
