#include "quantize/group_quantization.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sotto::quantize {
namespace {

constexpr int kSearchSteps = 10;
constexpr float kSearchStep = 0.05F;

struct Grid {
  float scale = 1.0F;
  int zero_point = 0;
};

/// An asymmetric range holds zero, so that zero stays zero. The larger side of a symmetric one lands on the
/// lowest integer, for which the scale may be negative.
Grid grid_of(std::span<const float> group, const IntegerFormat& format) {
  const auto [least, most] = std::ranges::minmax(group);
  constexpr float kEpsilon = std::numeric_limits<float>::epsilon();
  if (format.symmetric) {
    const float side = std::fabs(least) >= most ? std::fabs(least) : -most;
    const float scale = side / static_cast<float>(-format.lowest());
    return {std::fabs(scale) < kEpsilon ? kEpsilon : scale, 0};
  }
  const float low = std::min(least, 0.0F);
  const float scale = std::max((std::max(most, 0.0F) - low) / static_cast<float>(format.highest()), kEpsilon);
  const auto zero_point = static_cast<int>(-std::nearbyint(low / scale));
  return {scale, std::clamp(zero_point, format.lowest(), format.highest())};
}

int quantized(float value, const Grid& grid, const IntegerFormat& format) {
  const float level = std::nearbyint(value / grid.scale + static_cast<float>(grid.zero_point));
  return static_cast<int>(
      std::clamp(level, static_cast<float>(format.lowest()), static_cast<float>(format.highest())));
}

double error_of(std::span<const float> group,
                std::span<const float> importance,
                const Grid& grid,
                const IntegerFormat& format) {
  double sum = 0.0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const float back = grid.scale * static_cast<float>(quantized(group[i], grid, format) - grid.zero_point);
    const double error = static_cast<double>(group[i] - back);
    sum += error * error * (importance.empty() ? 1.0 : static_cast<double>(importance[i]));
  }
  return sum;
}

Grid best_grid(std::span<const float> group, std::span<const float> importance, const IntegerFormat& format) {
  const Grid whole = grid_of(group, format);
  Grid best = whole;
  double least = std::numeric_limits<double>::infinity();
  const auto try_grid = [&](const Grid& grid) {
    if (const double error = error_of(group, importance, grid, format); error < least) {
      least = error;
      best = grid;
    }
  };
  for (int k = 0; k < kSearchSteps; ++k) {
    const float scale = whole.scale * (1.0F - kSearchStep * static_cast<float>(k));
    try_grid({scale, whole.zero_point});
    if (format.symmetric) {
      try_grid({-scale, 0});  // the other side on the lowest integer
    }
  }
  return best;
}

}  // namespace

GroupQuantized quantize_groups(std::span<const float> values,
                               std::size_t group_size,
                               const IntegerFormat& format,
                               bool search,
                               std::span<const float> importance) {
  GroupQuantized result;
  result.integers.reserve(values.size());
  for (std::size_t at = 0; at < values.size(); at += group_size) {
    const auto group = values.subspan(at, group_size);
    const auto weights =
        importance.empty() ? importance : importance.subspan(at % importance.size(), group_size);
    const Grid grid = search ? best_grid(group, weights, format) : grid_of(group, format);
    result.scale.push_back(grid.scale);
    if (!format.symmetric) {
      result.zero_point.push_back(grid.zero_point);
    }
    for (const float value : group) {
      result.integers.push_back(quantized(value, grid, format));
    }
  }
  return result;
}

float dequantized(const GroupQuantized& q, std::size_t index, std::size_t group) {
  const int zero_point = q.zero_point.empty() ? 0 : q.zero_point[group];
  return q.scale[group] * static_cast<float>(q.integers[index] - zero_point);
}

}  // namespace sotto::quantize
