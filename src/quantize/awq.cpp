#include "quantize/awq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "core/parallel.h"
#include "quantize/op_table.h"
#include "quantize/sampled_layer.h"
#include "quantize/smooth_fold.h"
#include "quantize/weights.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "awq";
constexpr std::array kExponents = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
/// Share of the error without scales that must be left at most, for tokens they were not chosen by.
constexpr double kClearlyBetter = 0.8;
constexpr float kMinActivation = 1e-5F;
constexpr std::size_t kMaxTokens = 128;  // half to choose by, half to confirm
constexpr std::size_t kMaxOutputs = 96;  // of each weight

/// Layers that read one tensor along its last axis.
struct Group {
  Tensor source;
  std::size_t axis = 0;
  std::vector<const GroupedLayer*> layers;
};

std::vector<Group> find_groups(std::span<const GroupedLayer> layers) {
  std::vector<Group> groups;
  for (const GroupedLayer& layer : layers) {
    const Weight& weight = *layer.weight;
    if (!is_matmul(*weight.node) || weight.shape.size() != 2 || weight.input_axis != 1) {
      continue;
    }
    const Tensor source = weight.node->input_value(1 - weight.port);
    const auto rank = static_cast<std::size_t>(source.get_partial_shape().rank().get_length());
    if (activation_channel_axis(*weight.node, 1 - weight.port, rank) + 1 != rank) {
      continue;
    }
    auto group = std::ranges::find(groups, source, &Group::source);
    if (group == groups.end()) {
      group = groups.insert(group, {source, rank - 1, {}});
    }
    group->layers.push_back(&layer);
  }
  std::erase_if(groups, [](const Group& group) {
    return group.source.get_target_inputs().size() != group.layers.size();
  });
  return groups;
}

struct Errors {
  double choosing = 0.0;
  double confirming = 0.0;
};

/// Tells what rounding the weights of a group does to its outputs.
class Judge {
 public:
  Judge(const Group& group, const TensorStatistics& observed, bool scale_estimation)
      : tokens_(observed.tokens()),
        scale_estimation_(scale_estimation),
        magnitude_(observed.site->site.n_channels, 0.0F),
        square_(magnitude_) {
    tokens_.resize(std::min(tokens_.size(), kMaxTokens));
    const auto n = static_cast<float>(tokens_.size());
    for (const std::vector<float>& token : tokens_) {
      for (std::size_t c = 0; c < token.size(); ++c) {
        magnitude_[c] += std::abs(token[c]) / n;
        square_[c] += token[c] * token[c] / n;
      }
    }
    for (const GroupedLayer* layer : group.layers) {
      Sample sample{*layer, {}};
      append_outputs(*layer->weight, weight_values(*layer->weight), kMaxOutputs, sample.outputs);
      samples_.push_back(std::move(sample));
    }
  }

  /// Around 1, so that neither the weights nor the normalization grow.
  std::vector<float> scale_of(double exponent) const {
    std::vector<float> scale;
    for (const float m : magnitude_) {
      scale.push_back(std::pow(std::max(m, kMinActivation), static_cast<float>(exponent)));
    }
    const auto [least, most] = std::ranges::minmax(scale);
    const float center = std::sqrt(least * most);
    for (float& s : scale) {
      s /= center;
    }
    return scale;
  }

  Errors errors(const std::vector<float>& scale) const {
    Errors errors;
    std::vector<float> importance = square_;
    for (std::size_t c = 0; c < scale.size(); ++c) {
      importance[c] /= scale[c] * scale[c];
    }
    for (const Sample& sample : samples_) {
      const Rows difference = products(tokens_, lost(sample, scale, importance));
      for (std::size_t t = 0; t < difference.size(); ++t) {
        double& sum = t % 2 == 0 ? errors.choosing : errors.confirming;
        for (const float e : difference[t]) {
          sum += static_cast<double>(e) * static_cast<double>(e);
        }
      }
    }
    return errors;
  }

 private:
  struct Sample {
    const GroupedLayer& layer;
    Rows outputs;
  };

  /// What rounding takes from each weight: w - Q(w * scale) / scale.
  Rows lost(const Sample& sample,
            const std::vector<float>& scale,
            const std::vector<float>& importance) const {
    Rows rows = sample.outputs;
    for (std::vector<float>& row : rows) {
      std::vector<float> scaled(row.size());
      std::ranges::transform(row, scale, scaled.begin(), std::multiplies<>());
      const GroupQuantized q = quantize_groups(scaled, sample.layer.group_size, sample.layer.format,
                                               scale_estimation_, importance);
      for (std::size_t c = 0; c < row.size(); ++c) {
        row[c] -= dequantized(q, c, c / sample.layer.group_size) / scale[c];
      }
    }
    return rows;
  }

  Rows tokens_;
  bool scale_estimation_;
  std::vector<float> magnitude_;  // [channels]: mean of the tokens
  std::vector<float> square_;     // [channels]: mean square of the tokens
  std::vector<Sample> samples_;
};

struct Decision {
  std::vector<float> scale;  ///< empty: none
  double gain_db = 0.0;
  std::string why_not;
};

Decision decide(const Group& group, const TensorStatistics* observed, bool scale_estimation) {
  if (observed == nullptr || observed->site->tokens.size() < 2) {
    return {{}, 0.0, "no tokens were kept of the input"};
  }
  const Judge judge(group, *observed, scale_estimation);
  const Errors plain = judge.errors(std::vector<float>(observed->site->site.n_channels, 1.0F));
  Errors least = plain;
  Decision best;
  for (const double exponent : kExponents) {
    std::vector<float> scale = judge.scale_of(exponent);
    if (const Errors errors = judge.errors(scale); errors.choosing < least.choosing) {
      least = errors;
      best.scale = std::move(scale);
    }
  }
  if (least.confirming >= kClearlyBetter * plain.confirming) {
    return {{}, 0.0, "scaling does not lower the error"};
  }
  best.gain_db = 10.0 * std::log10(plain.confirming / least.confirming);
  return best;
}

}  // namespace

WeightScales awq(StatisticsMap& statistics,
                 std::span<const GroupedLayer> layers,
                 bool scale_estimation,
                 std::vector<StepReport>& reports) {
  const std::vector<Group> groups = find_groups(layers);
  std::vector<Decision> decisions(groups.size());
  parallel_each(groups.size(), kMaxThreads, [&](std::size_t i) {
    decisions[i] = decide(groups[i], statistics.along(groups[i].source, groups[i].axis), scale_estimation);
  });
  WeightScales scales;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& group = groups[i];
    Decision& decision = decisions[i];
    std::vector<float> inverse;
    std::ranges::transform(decision.scale, std::back_inserter(inverse), [](float s) { return 1.0F / s; });
    if (decision.why_not.empty() && !fold_channel_factors(group.source, group.axis, inverse)) {
      decision.why_not = "the input is no normalization that could be divided";
    }
    const bool done = decision.why_not.empty();
    if (done) {
      statistics.rescale(group.source, group.axis, std::move(inverse));
    }
    const auto shared = std::make_shared<const std::vector<float>>(std::move(decision.scale));
    for (const GroupedLayer* layer : group.layers) {
      if (done) {
        scales.emplace(layer->weight->node, shared);
      }
      reports.push_back(
          {kName, layer->weight->node->get_friendly_name(), done, decision.why_not, decision.gain_db});
    }
  }
  return scales;
}

}  // namespace sotto::quantize
