#include "quantize/range_search.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace sotto::quantize {
namespace {

constexpr int kSteps = 4;  // five places for each end

float between(float narrow, float wide, int step) {
  return narrow + (wide - narrow) * static_cast<float>(step) / static_cast<float>(kSteps);
}

float squared_error(const float* x, const float* importance, std::size_t n, float low, float high) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding and taking it away rounds to an integer
  const float scale = 255.0F / (high - low);
  const float step = (high - low) / 255.0F;
  float sum = 0.0F;
  for (std::size_t c = 0; c < n; ++c) {
    const float inside = std::clamp(x[c], low, high);
    const float level = ((inside - low) * scale + kShift) - kShift;
    const float error = x[c] - (low + level * step);
    sum += importance[c] * error * error;
  }
  return sum;
}

Range range_of(const Extremes& extremes, bool symmetric) {
  return symmetric ? symmetric_range(extremes.min, extremes.max_magnitude)
                   : asymmetric_range(extremes.min, extremes.max);
}

}  // namespace

double quantization_error(const RangeSample& sample, float low, float high) {
  double sum = 0.0;
  for (const std::vector<float>& token : sample.tokens) {
    sum +=
        static_cast<double>(squared_error(token.data(), sample.importance.data(), token.size(), low, high));
  }
  return sum;
}

Range search_range(const RangeSample& sample, const Extremes& narrow, const Extremes& wide, bool symmetric) {
  Range best;
  double least = std::numeric_limits<double>::infinity();
  for (int i = kSteps; i >= 0; --i) {
    for (int j = symmetric ? 0 : kSteps; j >= 0; --j) {
      const Extremes candidate{{between(narrow.min[0], wide.min[0], symmetric ? i : j)},
                               {between(narrow.max[0], wide.max[0], i)},
                               {between(narrow.max_magnitude[0], wide.max_magnitude[0], i)}};
      Range range = range_of(candidate, symmetric);
      const double error = quantization_error(sample, range.low[0], range.high[0]);
      if (error < least) {
        least = error;
        best = std::move(range);
      }
    }
  }
  return best;
}

}  // namespace sotto::quantize
