#pragma once

#include <optional>
#include <span>
#include <vector>

#include "quantize/min_max.h"
#include "quantize/smooth_quant.h"
#include "quantize/weights.h"

namespace sotto::quantize {

/// A tensor range that a FakeQuantize of 256 levels rounds to.
struct TensorRange {
  float low = 0.0F;
  float high = 0.0F;
};

/// Signal to quantization noise, dB, of a layer's output for tokens that calibration kept: of weight and
/// input together, before its bias is corrected. `values` are the weight's, each token [input channels]; all
/// taps of a convolution see the same token. No range: the input stays in floating point. Infinite where
/// nothing is lost. At most 256 output channels and 16 tokens are looked at.
double output_sqnr_db(const Weight& weight,
                      std::span<const float> values,
                      const QuantizedWeight& quantized,
                      std::span<const std::vector<float>> tokens,
                      const std::optional<TensorRange>& range);

/// The same as a report on the layer, with the tokens and the range that its input has in the graph; the
/// weight's own noise where there are no tokens of it.
StepReport output_error(const StatisticsMap& statistics,
                        const Weight& weight,
                        std::span<const float> values,
                        const QuantizedWeight& quantized);

}  // namespace sotto::quantize
