#include "quantize/min_max.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/fake_quantize.hpp>

#include "quantize/aggregate.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "min_max";
constexpr std::size_t kLevels = 256;
constexpr float kMinHalfRange = 8e-4F;
constexpr float kMinSymmetricRange = 8e-5F;
constexpr float kMinRelativeRange = 0.01F;

/// What a quantizer's range is made of.
struct Extremes {
  std::vector<float> min;
  std::vector<float> max;
  std::vector<float> max_magnitude;
};

/// Smallest and largest of values each times the scale of its channel.
std::pair<float, float> scaled_extremes(std::span<const float> min,
                                        std::span<const float> max,
                                        const std::vector<float>& scale) {
  float low = std::numeric_limits<float>::infinity();
  float high = -low;
  for (std::size_t c = 0; c < min.size(); ++c) {
    const float s = scale.empty() ? 1.0F : scale[c];
    low = std::min(low, min[c] * s);
    high = std::max(high, max[c] * s);
  }
  return {low, high};
}

/// What a bound of one channel is aggregated from: a value for each sample.
struct SampleExtremes {
  std::vector<float> min;
  std::vector<float> max;
  std::vector<float> max_magnitude;

  void add(float low, float high) {
    min.push_back(low);
    max.push_back(high);
    max_magnitude.push_back(std::max(std::abs(low), std::abs(high)));
  }
};

/// The tensor's extremes of each sample, made into one range.
Extremes tensor_extremes(const TensorStatistics& tensor,
                         const Statistics::Impl& statistics,
                         const RangeEstimator& estimator) {
  SampleExtremes samples;
  statistics.for_each_sample(*tensor.site, [&](std::span<const float> low, std::span<const float> high) {
    const auto [l, h] = scaled_extremes(low, high, tensor.scale);
    samples.add(l, h);
  });
  const double p = estimator.outlier_probability;
  return {{aggregate(samples.min, estimator.min, p)},
          {aggregate(samples.max, estimator.max, p)},
          {aggregate(samples.max_magnitude, estimator.max, p)}};
}

/// The same for each channel of a tensor whose site keeps channels.
Extremes channel_extremes(const TensorStatistics& tensor,
                          const Statistics::Impl& statistics,
                          const RangeEstimator& estimator) {
  std::vector<SampleExtremes> samples(tensor.site->min.size());
  statistics.for_each_sample(*tensor.site, [&](std::span<const float> low, std::span<const float> high) {
    for (std::size_t c = 0; c < low.size(); ++c) {
      const float s = tensor.scale.empty() ? 1.0F : tensor.scale[c];
      samples[c].add(low[c] * s, high[c] * s);
    }
  });
  const double p = estimator.outlier_probability;
  Extremes e;
  for (const SampleExtremes& channel : samples) {
    e.min.push_back(aggregate(channel.min, estimator.min, p));
    e.max.push_back(aggregate(channel.max, estimator.max, p));
    e.max_magnitude.push_back(aggregate(channel.max_magnitude, estimator.max, p));
  }
  return e;
}

std::optional<Extremes> extremes_of(const ActivationQuantizer& quantizer,
                                    const StatisticsMap& statistics,
                                    const std::optional<RangeEstimator>& estimator) {
  constexpr RangeEstimator kExtremes{Aggregator::minimum, Aggregator::maximum};
  const TensorStatistics* tensor =
      quantizer.per_channel ? statistics.along(quantizer.tensor, 1) : statistics.whole(quantizer.tensor);
  if (tensor == nullptr) {
    throw Error(ErrorCode::invalid_argument, describe(quantizer.tensor),
                "expected statistics of this tensor, found none; were they collected with attention_inputs?");
  }
  if (tensor->site->n_samples == 0) {
    return std::nullopt;
  }
  const Statistics::Impl& samples = statistics.statistics();
  return quantizer.per_channel ? channel_extremes(*tensor, samples, estimator.value_or(kExtremes))
                               : tensor_extremes(*tensor, samples, estimator.value_or(RangeEstimator{}));
}

void widen(Extremes& to, const Extremes& other) {
  to.min[0] = std::min(to.min[0], other.min[0]);
  to.max[0] = std::max(to.max[0], other.max[0]);
  to.max_magnitude[0] = std::max(to.max_magnitude[0], other.max_magnitude[0]);
}

std::shared_ptr<ov::Node> constant(const std::vector<float>& values,
                                   const ov::Shape& shape,
                                   const std::string& name) {
  auto node = ov::op::v0::Constant::create(ov::element::f32, shape, values);
  node->set_friendly_name(name);
  return node;
}

void insert(const ActivationQuantizer& quantizer, const Range& range) {
  const std::string name =
      quantizer.edge ? fmt::format("{}/fq_input_{}", quantizer.edge->get_node()->get_friendly_name(),
                                   quantizer.edge->get_index())
                     : fmt::format("{}/fq_output_{}", quantizer.tensor.get_node()->get_friendly_name(),
                                   quantizer.tensor.get_index());
  ov::Shape shape;
  if (quantizer.per_channel) {
    shape.assign(static_cast<std::size_t>(quantizer.tensor.get_partial_shape().rank().get_length()), 1);
    shape[1] = range.low.size();
  }
  const auto targets = quantizer.tensor.get_target_inputs();
  const auto fq = std::make_shared<ov::op::v0::FakeQuantize>(
      quantizer.tensor, constant(range.low, shape, name + "/input_low"),
      constant(range.high, shape, name + "/input_high"), constant(range.low, shape, name + "/output_low"),
      constant(range.high, shape, name + "/output_high"), kLevels);
  fq->set_friendly_name(name);
  if (quantizer.edge) {
    Edge edge = *quantizer.edge;
    edge.replace_source_output(fq->output(0));
    return;
  }
  for (Edge target : targets) {
    target.replace_source_output(fq->output(0));
  }
}

}  // namespace

Range symmetric_range(const std::vector<float>& min, const std::vector<float>& max_magnitude) {
  constexpr float kLowFactor = static_cast<float>(kLevels) / static_cast<float>(kLevels - 2);
  const bool is_signed = std::ranges::any_of(min, [](float x) { return x < 0.0F; });
  const float floor = std::max(std::ranges::max(max_magnitude) * kMinRelativeRange, kMinSymmetricRange);
  Range range;
  for (const float magnitude : max_magnitude) {
    const float high = std::max(magnitude, floor);
    range.high.push_back(high);
    range.low.push_back(is_signed ? -high * kLowFactor : 0.0F);
  }
  return range;
}

Range asymmetric_range(const std::vector<float>& min, const std::vector<float>& max) {
  constexpr float kSteps = static_cast<float>(kLevels - 1);
  Range range;
  for (std::size_t c = 0; c < min.size(); ++c) {
    const float margin = max[c] - min[c] > kMinHalfRange ? 0.0F : kMinHalfRange;
    const float low = std::min(min[c] - margin, 0.0F);
    const float high = std::max(max[c] + margin, 0.0F);
    // Zero falls on a level if one end moves outwards; the rounded zero point says which one can.
    const float zero = std::nearbyint(-low * (kSteps / (high - low)));
    const float moved_low = zero < kSteps ? zero / (zero - kSteps) * high : low;
    const float moved_high = zero > 0.0F ? (zero - kSteps) / zero * low : high;
    const bool move_low = high - moved_low > moved_high - low;
    range.low.push_back(move_low ? moved_low : low);
    range.high.push_back(move_low ? high : moved_high);
  }
  return range;
}

void quantize_activations(const Placement& placement,
                          const StatisticsMap& statistics,
                          const std::optional<RangeEstimator>& estimator,
                          std::vector<StepReport>& reports) {
  std::map<const ov::Node*, Extremes> unified;
  std::vector<std::optional<Extremes>> extremes;
  for (const ActivationQuantizer& quantizer : placement.activations) {
    extremes.push_back(extremes_of(quantizer, statistics, estimator));
    if (quantizer.unified_with != nullptr && extremes.back()) {
      const auto [group, is_new] = unified.emplace(quantizer.unified_with, *extremes.back());
      if (!is_new) {
        widen(group->second, *extremes.back());
      }
    }
  }
  for (std::size_t i = 0; i < placement.activations.size(); ++i) {
    const ActivationQuantizer& quantizer = placement.activations[i];
    const std::string node = quantizer.tensor.get_node()->get_friendly_name();
    if (!extremes[i]) {
      reports.push_back({kName, node, false, "nothing was observed", 0.0});
      continue;
    }
    const Extremes& e = quantizer.unified_with != nullptr ? unified.at(quantizer.unified_with) : *extremes[i];
    const Range range =
        quantizer.symmetric ? symmetric_range(e.min, e.max_magnitude) : asymmetric_range(e.min, e.max);
    insert(quantizer, range);
    reports.push_back({kName, node, true, {}, static_cast<double>(range.high.front() - range.low.front())});
  }
}

}  // namespace sotto::quantize
