#include <algorithm>
#include <cmath>
#include <numeric>

#include "quantize/statistics.h"

namespace sotto::quantize {
namespace {

constexpr float kOutlierRatio = 10.0F;

float median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void find_outliers(TensorSummary& tensor) {
  const std::vector<float>& magnitude = tensor.channel_magnitude;
  tensor.median_magnitude = median(magnitude);
  for (std::size_t c = 0; c < magnitude.size(); ++c) {
    if (tensor.median_magnitude > 0.0F && magnitude[c] > kOutlierRatio * tensor.median_magnitude) {
      tensor.outlier_channels.push_back(c);
    }
  }
  std::ranges::stable_sort(tensor.outlier_channels,
                           [&](std::size_t a, std::size_t b) { return magnitude[a] > magnitude[b]; });
}

TensorSummary summary_of(const SiteStatistics& site) {
  TensorSummary tensor{.node = site.site.node,
                       .port = site.site.port,
                       .n_samples = site.n_samples,
                       .n_channels = site.site.n_channels,
                       .channel_magnitude = {},
                       .outlier_channels = {}};
  if (site.n_samples == 0) {
    return tensor;
  }
  tensor.min = std::ranges::min(site.min);
  tensor.max = std::ranges::max(site.max);
  for (std::size_t c = 0; c < site.site.n_channels; ++c) {
    tensor.channel_magnitude.push_back(std::max(std::fabs(site.min[c]), std::fabs(site.max[c])));
  }
  find_outliers(tensor);
  return tensor;
}

}  // namespace

std::vector<TensorSummary> summarize(const Statistics& statistics) {
  std::vector<TensorSummary> tensors;
  if (statistics.has_value()) {
    for (const SiteStatistics& site : statistics.impl().sites) {
      if (site.site.keep != Site::Keep::mean) {
        tensors.push_back(summary_of(site));
      }
    }
  }
  return tensors;
}

}  // namespace sotto::quantize
