#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/group_quantization.h"
#include "quantize/smooth_quant.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// A layer whose weight is to be stored in groups.
struct GroupedLayer {
  const Weight* weight = nullptr;
  IntegerFormat format;
  std::size_t group_size = 0;
};

/// Scales by which input channels of weights are multiplied before they are rounded, larger where the
/// activations are, so that the weights that matter keep more of their value; the normalization before is
/// divided by them, and `statistics` are told. Only for layers that together are all that reads such a
/// normalization, and where the outputs for kept tokens get clearly better. Source: Lin et al. 2023, AWQ
/// (arXiv:2306.00978), section 3.2, the exponent searched over the same range.
WeightScales awq(StatisticsMap& statistics,
                 std::span<const GroupedLayer> layers,
                 bool scale_estimation,
                 std::vector<StepReport>& reports);

}  // namespace sotto::quantize
