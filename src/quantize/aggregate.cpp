#include "quantize/aggregate.h"

#include <algorithm>
#include <numeric>

namespace sotto::quantize {
namespace {

float mean(const std::vector<float>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return static_cast<float>(sum / static_cast<double>(values.size()));
}

std::vector<float> without_outliers(const std::vector<float>& values, double probability) {
  const float low = quantile(values, probability);
  const float high = quantile(values, 1.0 - probability);
  std::vector<float> kept;
  std::ranges::copy_if(values, std::back_inserter(kept), [&](float x) { return x >= low && x <= high; });
  return kept.empty() ? values : kept;
}

}  // namespace

float quantile(std::vector<float> values, double q) {
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const float low = values[below];
  const float high = values[std::min(below + 1, values.size() - 1)];
  return low + (high - low) * static_cast<float>(at - static_cast<double>(below));
}

float weighted_quantile(std::vector<std::pair<float, double>> values, double q) {
  std::ranges::sort(values);
  double left = 0.0;
  for (const auto& [value, weight] : values) {
    left += weight;
  }
  left *= q;
  for (const auto& [value, weight] : values) {
    left -= weight;
    if (left <= 0.0) {
      return value;
    }
  }
  return values.back().first;
}

float aggregate(const std::vector<float>& values, Aggregator aggregator, double outlier_probability) {
  switch (aggregator) {
    case Aggregator::minimum:
      return std::ranges::min(values);
    case Aggregator::maximum:
      return std::ranges::max(values);
    case Aggregator::median:
      return quantile(values, 0.5);
    case Aggregator::mean_no_outliers:
      return mean(without_outliers(values, outlier_probability));
    case Aggregator::median_no_outliers:
      return quantile(without_outliers(values, outlier_probability), 0.5);
    case Aggregator::mean:
    case Aggregator::quantile:
    case Aggregator::histogram:
      break;
  }
  return mean(values);
}

}  // namespace sotto::quantize
