#include "quantize/min_max.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/fake_quantize.hpp>

#include "core/parallel.h"
#include "quantize/aggregate.h"
#include "quantize/range_search.h"
#include "quantize/weights.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "min_max";
constexpr std::size_t kLevels = 256;
constexpr float kMinHalfRange = 8e-4F;
constexpr float kMinSymmetricRange = 8e-5F;
constexpr float kMinRelativeRange = 0.01F;
constexpr float kFarthest = 3.0F;  // times what was observed: a channel that one sample woke knows no bound

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

using WeightedValues = std::vector<std::pair<float, double>>;

/// The same from the values of kept tokens, each as often as it was seen.
Extremes token_quantiles(const TensorStatistics& tensor, bool per_channel, double p) {
  const std::vector<std::vector<float>> tokens = tensor.tokens();
  const std::vector<std::uint64_t> counts = tensor.site->tokens.counts();
  const std::size_t n = per_channel ? tokens.front().size() : 1;
  std::vector<WeightedValues> values(n);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    for (std::size_t c = 0; c < tokens[t].size(); ++c) {
      values[c % n].emplace_back(tokens[t][c], static_cast<double>(counts[t]));
    }
  }
  Extremes e;
  for (WeightedValues& channel : values) {
    e.min.push_back(weighted_quantile(channel, p));
    e.max.push_back(weighted_quantile(channel, 1.0 - p));
    for (auto& [value, weight] : channel) {
      value = std::abs(value);
    }
    e.max_magnitude.push_back(weighted_quantile(std::move(channel), 1.0 - p));
  }
  return e;
}

/// Of each channel, the largest magnitude in all samples but the one that holds the largest. [n_channels]
std::vector<float> magnitude_in_the_others(const SiteStatistics& site, const Statistics::Impl& statistics) {
  std::vector<float> largest(site.site.n_channels, 0.0F);
  std::vector<float> next = largest;
  statistics.for_each_sample(site, [&](std::span<const float> low, std::span<const float> high) {
    for (std::size_t c = 0; c < next.size(); ++c) {
      const float magnitude = std::max(std::abs(low[c]), std::abs(high[c]));
      next[c] = std::max(next[c], std::min(largest[c], magnitude));
      largest[c] = std::max(largest[c], magnitude);
    }
  });
  return next;
}

/// The kept tokens of a smoothed tensor, as far out as ones that are new to it. Each channel is scaled by the
/// largest value that it was seen with, so that no kept token lies outside and of 1000 channels many have new
/// ones that do: as far, one expects, as the largest is beyond those of all other samples.
std::vector<std::vector<float>> tokens_as_new(const TensorStatistics& tensor,
                                              const Statistics::Impl& statistics) {
  std::vector<std::vector<float>> tokens = tensor.tokens();
  const std::vector<float> others = magnitude_in_the_others(*tensor.site, statistics);
  for (std::vector<float>& token : tokens) {
    for (std::size_t c = 0; c < token.size(); ++c) {
      const float limit = others[c] * tensor.scale[c];
      if (const float magnitude = std::abs(token[c]); magnitude > limit && limit > 0.0F) {
        token[c] *= std::min(magnitude / limit, kFarthest);
      }
    }
  }
  return tokens;
}

constexpr RangeEstimator kExtremes{Aggregator::minimum, Aggregator::maximum};

/// Chooses the ranges of activations.
class Ranges {
 public:
  Ranges(const InferenceGraph& graph,
         const StatisticsMap& statistics,
         const WeightScales& scales,
         const QuantizeOptions& options)
      : graph_(graph), statistics_(statistics), scales_(scales), options_(options) {}

  /// The statistics a quantizer is made from; nullptr if nothing was observed.
  const TensorStatistics* statistics_of(const ActivationQuantizer& quantizer) const {
    const TensorStatistics* tensor =
        quantizer.per_channel ? statistics_.along(quantizer.tensor, 1) : statistics_.whole(quantizer.tensor);
    if (tensor == nullptr) {
      throw Error(
          ErrorCode::invalid_argument, describe(quantizer.tensor),
          "expected statistics of this tensor, found none; were they collected with attention_inputs?");
    }
    return tensor->site->n_samples == 0 ? nullptr : tensor;
  }

  Extremes extremes(const TensorStatistics& tensor, bool per_channel) const {
    const bool is_searched = options_.search_ranges && !tensor.site->tokens.empty();
    const RangeEstimator usual = per_channel || is_searched ? kExtremes : RangeEstimator{};
    const RangeEstimator estimator = options_.activation_range.value_or(usual);
    const auto of_samples = per_channel ? channel_extremes : tensor_extremes;
    Extremes e = of_samples(tensor, statistics_.statistics(), estimator);
    if (tensor.site->tokens.empty()) {
      return e;
    }
    if (estimator.min == Aggregator::quantile || estimator.max == Aggregator::quantile) {
      Extremes of_tokens = token_quantiles(tensor, per_channel, estimator.outlier_probability);
      if (estimator.min == Aggregator::quantile) {
        e.min = std::move(of_tokens.min);
      }
      if (estimator.max == Aggregator::quantile) {
        e.max = std::move(of_tokens.max);
        e.max_magnitude = std::move(of_tokens.max_magnitude);
      }
    }
    return e;
  }

  Range range(const ActivationQuantizer& quantizer, const TensorStatistics& tensor) const {
    const auto& estimator = options_.activation_range;
    const bool is_histogram = estimator && estimator->min == Aggregator::histogram;
    const bool is_searched = is_histogram || (options_.search_ranges && !estimator);
    if (!is_searched || quantizer.per_channel || tensor.site->tokens.empty()) {
      const Extremes wide = extremes(tensor, quantizer.per_channel);
      return quantizer.symmetric ? symmetric_range(wide.min, wide.max_magnitude)
                                 : asymmetric_range(wide.min, wide.max);
    }
    const Extremes wide = tensor_extremes(tensor, statistics_.statistics(), kExtremes);
    return search_range(is_histogram ? histogram(tensor) : sample(quantizer, tensor), wide,
                        quantizer.symmetric);
  }

 private:
  /// Every value alike.
  static RangeSample histogram(const TensorStatistics& tensor) {
    return {tensor.tokens(), std::vector<float>(tensor.site->site.n_channels, 1.0F),
            tensor.site->tokens.counts()};
  }

  RangeSample sample(const ActivationQuantizer& quantizer, const TensorStatistics& tensor) const {
    return {tensor.scale.empty() ? tensor.tokens() : tokens_as_new(tensor, statistics_.statistics()),
            importance(quantizer, tensor)};
  }

  /// Of each channel, by the weights of the layers that read the tensor; equal for all where none does
  /// directly.
  std::vector<float> importance(const ActivationQuantizer& quantizer, const TensorStatistics& tensor) const {
    const std::size_t n = tensor.site->site.n_channels;
    std::vector<float> sum(n, 0.0F);
    for (const Edge& edge : graph_.consumers(quantizer.tensor)) {
      const Weight* weight = graph_.weight(*edge.get_node());
      if (weight == nullptr || !weight->input_axis || weight->shape[*weight->input_axis] != n) {
        continue;
      }
      const auto scale = scales_.find(weight->node);
      const auto values =
          scale == scales_.end() ? weight_values(*weight) : weight_values(*weight, *scale->second);
      const std::vector<float> squares = sum_squares_along(values, weight->shape, *weight->input_axis);
      std::ranges::transform(sum, squares, sum.begin(), std::plus<>());
    }
    const bool known = std::ranges::any_of(sum, [](float x) { return x > 0.0F; });
    return known ? sum : std::vector<float>(n, 1.0F);
  }

  const InferenceGraph& graph_;
  const StatisticsMap& statistics_;
  const WeightScales& scales_;
  const QuantizeOptions& options_;
};

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

bool has_symmetric_activations(const QuantizeOptions& options) {
  return options.activations_quantization_mode == QuantizationMode::preset
             ? options.preset == Preset::performance
             : options.activations_quantization_mode == QuantizationMode::symmetric;
}

bool has_symmetric_weights(const QuantizeOptions& options) {
  return options.weights_quantization_mode != QuantizationMode::asymmetric;
}

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

void quantize_activations(const InferenceGraph& graph,
                          const Placement& placement,
                          const StatisticsMap& statistics,
                          const WeightScales& scales,
                          const QuantizeOptions& options,
                          std::vector<StepReport>& reports) {
  const Ranges ranges(graph, statistics, scales, options);
  std::map<const ov::Node*, Extremes> unified;
  for (const ActivationQuantizer& quantizer : placement.activations) {
    const TensorStatistics* tensor = ranges.statistics_of(quantizer);
    if (quantizer.unified_with == nullptr || tensor == nullptr) {
      continue;
    }
    const Extremes own = ranges.extremes(*tensor, false);
    const auto [group, is_new] = unified.emplace(quantizer.unified_with, own);
    if (!is_new) {
      widen(group->second, own);
    }
  }
  std::vector<std::optional<Range>> chosen(placement.activations.size());
  parallel_each(chosen.size(), kMaxThreads, [&](std::size_t i) {
    const ActivationQuantizer& quantizer = placement.activations[i];
    const TensorStatistics* tensor = ranges.statistics_of(quantizer);
    if (tensor == nullptr) {
      return;
    }
    if (quantizer.unified_with == nullptr) {
      chosen[i] = ranges.range(quantizer, *tensor);
      return;
    }
    const Extremes& e = unified.at(quantizer.unified_with);
    chosen[i] =
        quantizer.symmetric ? symmetric_range(e.min, e.max_magnitude) : asymmetric_range(e.min, e.max);
  });
  for (std::size_t i = 0; i < placement.activations.size(); ++i) {
    const ActivationQuantizer& quantizer = placement.activations[i];
    const std::string node = quantizer.tensor.get_node()->get_friendly_name();
    if (!chosen[i]) {
      reports.push_back({kName, node, false, "nothing was observed", 0.0});
      continue;
    }
    insert(quantizer, *chosen[i]);
    reports.push_back(
        {kName, node, true, {}, static_cast<double>(chosen[i]->high.front() - chosen[i]->low.front())});
  }
}

}  // namespace sotto::quantize
