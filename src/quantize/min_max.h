#pragma once

#include <vector>

#include "quantize/placement.h"
#include "quantize/smooth_quant.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// What a quantizer's range is made of: one value, or one a channel.
struct Extremes {
  std::vector<float> min;
  std::vector<float> max;
  std::vector<float> max_magnitude;
};

/// Bounds of a FakeQuantize: one value, or one a channel.
struct Range {
  std::vector<float> low;
  std::vector<float> high;
};

/// Whether activations, where nothing says that they must be, and weights are symmetric.
bool has_symmetric_activations(const QuantizeOptions& options);
bool has_symmetric_weights(const QuantizeOptions& options);

/// The range that 256 signed levels need for [min, max]; unsigned where no minimum is negative. Takes the
/// largest magnitudes instead of the maxima. A range of zero becomes the smallest that divides. Source:
/// NNCF 3.4.0, quantization/fake_quantize.py, symmetric_range().
Range symmetric_range(const std::vector<float>& min, const std::vector<float>& max_magnitude);

/// The range that holds [min, max] and represents 0 exactly by one of its 256 levels.
/// Source: the same file, asymmetric_range() and tune_range().
Range asymmetric_range(const std::vector<float>& min, const std::vector<float>& max);

/// Inserts the FakeQuantize of every activation of `placement` with ranges from the statistics, chosen as the
/// options say. `scales` are SmoothQuant's, which the weights of `graph` do not hold yet.
void quantize_activations(const InferenceGraph& graph,
                          const Placement& placement,
                          const StatisticsMap& statistics,
                          const WeightScales& scales,
                          const QuantizeOptions& options,
                          std::vector<StepReport>& reports);

}  // namespace sotto::quantize
