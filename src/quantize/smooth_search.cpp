#include "quantize/smooth_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "quantize/aggregate.h"
#include "quantize/op_table.h"
#include "quantize/range_search.h"
#include "quantize/rounding.h"
#include "quantize/sampled_layer.h"
#include "quantize/weights.h"

namespace sotto::quantize {
namespace {

constexpr std::array kAlphas = {0.3, 0.5, 0.7, 0.9};
/// Share of the usual scale's error that another must stay below, for tokens it was not chosen by.
constexpr double kClearlyBetter = 0.7;
constexpr float kMinStatistic = 1e-5F;
constexpr std::size_t kMaxTokens = 64;   // half to choose by, half to confirm
constexpr std::size_t kMaxOutputs = 64;  // of each weight
constexpr float kMaxScaleRatio = 1e4F;   // between the largest and the smallest

/// Output channels of weights of which those of one number share a range.
struct SampledWeights {
  Rows outputs;
  std::vector<std::size_t> range_of;
};

/// The i8 values of each output channel times `scale`, as f32.
Rows quantized_outputs(const SampledWeights& weights, std::span<const float> scale, bool symmetric) {
  Rows quantized = weights.outputs;
  const std::size_t n_ranges = weights.range_of.empty() ? 0 : weights.range_of.back() + 1;
  Extremes wide{std::vector<float>(n_ranges, 0.0F), std::vector<float>(n_ranges, 0.0F),
                std::vector<float>(n_ranges, kMinStatistic)};
  for (std::size_t r = 0; r < quantized.size(); ++r) {
    const std::size_t range = weights.range_of[r];
    for (std::size_t c = 0; c < quantized[r].size(); ++c) {
      const float w = quantized[r][c] *= scale[c];
      wide.min[range] = std::min(wide.min[range], w);
      wide.max[range] = std::max(wide.max[range], w);
      wide.max_magnitude[range] = std::max(wide.max_magnitude[range], std::abs(w));
    }
  }
  const Range ranges = symmetric ? Range{} : asymmetric_range(wide.min, wide.max);
  for (std::size_t r = 0; r < quantized.size(); ++r) {
    const std::size_t range = weights.range_of[r];
    if (symmetric) {
      const float step = wide.max_magnitude[range] / 127.0F;
      std::ranges::transform(quantized[r], quantized[r].begin(),
                             [step](float w) { return round_to_even(w / step) * step; });
    } else {
      std::ranges::transform(quantized[r], quantized[r].begin(),
                             Levels(ranges.low[range], ranges.high[range]));
    }
  }
  return quantized;
}

struct Errors {
  double choosing = 0.0;
  double confirming = 0.0;
};

/// Tells how much the outputs of a group's layers suffer from a scale.
class Judge {
 public:
  Judge(const std::vector<const Weight*>& weights,
        const SiteStatistics& observed,
        const QuantizeOptions& options)
      : observed_(observed),
        is_symmetric_(has_symmetric_activations(options)),
        has_symmetric_weights_(has_symmetric_weights(options)),
        is_corrected_(options.bias_correction == BiasCorrection::per_channel),
        magnitude_(observed.min.size(), kMinStatistic),
        importance_(observed.min.size(), 0.0F),
        tokens_(observed.tokens.rows()) {
    tokens_.resize(std::min(tokens_.size(), kMaxTokens));
    for (const Weight* weight : weights) {
      const std::vector<float> values = weight_values(*weight);
      const auto magnitude = max_abs_along(values, weight->shape, *weight->input_axis);
      const auto squares = sum_squares_along(values, weight->shape, *weight->input_axis);
      for (std::size_t c = 0; c < magnitude_.size(); ++c) {
        magnitude_[c] = std::max(magnitude_[c], magnitude[c]);
        importance_[c] += squares[c];
      }
      append_outputs(*weight, values, kMaxOutputs, weights_.outputs);
      const std::size_t next = weights_.range_of.empty() ? 0 : weights_.range_of.back() + 1;
      while (weights_.range_of.size() < weights_.outputs.size()) {
        weights_.range_of.push_back(options.weights_per_channel ? weights_.range_of.size() : next);
      }
    }
    exact_ = products(tokens_, weights_.outputs);
  }

  /// Around 1: only ratios matter, and these stay within bounds.
  std::vector<float> scale_of(double alpha) const {
    std::vector<float> scale;
    for (std::size_t c = 0; c < magnitude_.size(); ++c) {
      const float x = std::max({std::abs(observed_.min[c]), std::abs(observed_.max[c]), kMinStatistic});
      scale.push_back(std::pow(x, static_cast<float>(alpha)) /
                      std::pow(magnitude_[c], static_cast<float>(1.0 - alpha)));
    }
    const float center = quantile(scale, 0.5);
    const float limit = std::sqrt(kMaxScaleRatio);
    for (float& s : scale) {
      s = std::clamp(s / center, 1.0F / limit, limit);
    }
    return scale;
  }

  Errors errors(const std::vector<float>& scale) const {
    const Rows y =
        products(quantized_tokens(scale), quantized_outputs(weights_, scale, has_symmetric_weights_));
    return {error(y, 0), error(y, 1)};
  }

 private:
  /// The tokens in u8, at the range that suits the choosing half best.
  Rows quantized_tokens(const std::vector<float>& scale) const {
    Rows tokens = tokens_;
    RangeSample sample{{}, importance_};
    Extremes wide{{std::numeric_limits<float>::max()}, {std::numeric_limits<float>::lowest()}, {0.0F}};
    for (std::size_t c = 0; c < scale.size(); ++c) {
      sample.importance[c] *= scale[c] * scale[c];
      wide.min[0] = std::min(wide.min[0], observed_.min[c] / scale[c]);
      wide.max[0] = std::max(wide.max[0], observed_.max[c] / scale[c]);
    }
    wide.max_magnitude[0] = std::max(std::abs(wide.min[0]), std::abs(wide.max[0]));
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      std::transform(tokens[t].begin(), tokens[t].end(), scale.begin(), tokens[t].begin(), std::divides<>());
      if (t % 2 == 0) {
        sample.tokens.push_back(tokens[t]);
      }
    }
    const Range range = search_range(sample, wide, is_symmetric_);
    const Levels levels(range.low[0], range.high[0]);
    for (std::vector<float>& token : tokens) {
      std::ranges::transform(token, token.begin(), levels);
    }
    return tokens;
  }

  /// Squared error of every other token from `first`; without its mean where that is corrected.
  double error(const Rows& found, std::size_t first) const {
    double sum = 0.0;
    for (std::size_t r = 0; r < weights_.outputs.size(); ++r) {
      double squares = 0.0;
      double total = 0.0;
      double n = 0.0;
      for (std::size_t t = first; t < found.size(); t += 2) {
        const auto e = static_cast<double>(found[t][r] - exact_[t][r]);
        squares += e * e;
        total += e;
        n += 1.0;
      }
      sum += is_corrected_ ? squares - total * total / n : squares;
    }
    return sum;
  }

  const SiteStatistics& observed_;
  bool is_symmetric_;
  bool has_symmetric_weights_;
  bool is_corrected_;
  std::vector<float> magnitude_;
  std::vector<float> importance_;
  Rows tokens_;
  SampledWeights weights_;
  Rows exact_;
};

}  // namespace

bool can_search_smoothing(const std::vector<const Weight*>& weights, const SiteStatistics& observed) {
  return observed.tokens.size() >= 2 && std::ranges::all_of(weights, [&](const Weight* weight) {
           return is_matmul(*weight->node) && weight->shape.size() == 2 &&
                  weight->shape[*weight->input_axis] == observed.min.size();
         });
}

std::vector<float> search_smoothing(const std::vector<const Weight*>& weights,
                                    const SiteStatistics& observed,
                                    const std::vector<float>& usual,
                                    const QuantizeOptions& options) {
  const Judge judge(weights, observed, options);
  const std::vector<float> ones(observed.min.size(), 1.0F);
  const Errors of_usual = judge.errors(usual.empty() ? ones : usual);
  std::vector<float> best = usual;
  Errors least = of_usual;
  const auto consider = [&](const std::vector<float>& scale, const std::vector<float>& result) {
    if (const Errors errors = judge.errors(scale); errors.choosing < least.choosing) {
      least = errors;
      best = result;
    }
  };
  consider(ones, {});
  for (const double alpha : kAlphas) {
    const std::vector<float> scale = judge.scale_of(alpha);
    consider(scale, scale);
  }
  return least.confirming < kClearlyBetter * of_usual.confirming ? best : usual;
}

}  // namespace sotto::quantize
