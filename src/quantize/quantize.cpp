#include "sotto/quantize.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <openvino/core/except.hpp>

#include "core/cpu_features.h"
#include "core/log.h"
#include "quantize/full_bias_correction.h"
#include "quantize/graph_analysis.h"
#include "quantize/ignored_patterns.h"
#include "quantize/ignored_scope.h"
#include "quantize/min_max.h"
#include "quantize/observation.h"
#include "quantize/op_table.h"
#include "quantize/placement.h"
#include "quantize/smooth_quant.h"
#include "quantize/statistics.h"
#include "quantize/weight_quantizer.h"
#include "quantize/weights.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

constexpr const char* kWhere = "quantize";

void check_alpha(const char* name, double alpha) {
  if (!(alpha <= 1.0)) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                fmt::format("expected {} of at most 1 (negative: off), found {}.", name, alpha));
  }
}

void check_range(const std::optional<RangeEstimator>& range) {
  if (range && !(range->outlier_probability >= 0.0 && range->outlier_probability <= 0.5)) {
    throw Error(
        ErrorCode::invalid_argument, kWhere,
        fmt::format("expected an outlier_probability of 0 to 0.5, found {}.", range->outlier_probability));
  }
  if (range && (range->min == Aggregator::histogram) != (range->max == Aggregator::histogram)) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                "expected activation_range histogram of both min and max, found it of one of them.");
  }
}

void check(const QuantizeOptions& options) {
  check_alpha("smooth_quant_alpha", options.smooth_quant_alpha);
  check_alpha("smooth_quant_alpha_convolution", options.smooth_quant_alpha_convolution);
  if (options.bias_correction_threshold && !(*options.bias_correction_threshold >= 0.0)) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                fmt::format("expected bias_correction_threshold of at least 0, found {}.",
                            *options.bias_correction_threshold));
  }
  check_range(options.activation_range);
  const bool is_half_range =
      options.overflow_fix == OverflowFix::enable || options.overflow_fix == OverflowFix::first_layer_only;
  if (is_half_range && !has_symmetric_weights(options)) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                "expected overflow_fix automatic or disable with asymmetric weights, found half range, which "
                "symmetric ones only have.");
  }
}

void check_statistics(const InferenceGraph& graph, const Statistics& statistics) {
  if (statistics.n_samples() == 0) {
    throw Error(
        ErrorCode::invalid_argument, kWhere,
        "expected statistics of at least one inference, found none; run the instrumented model first.");
  }
  if (statistics.impl().model_hash != model_hash(graph)) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                "expected statistics of this model, found those of another one; calibrate again.");
  }
}

/// Nodes left in floating point by the user or by what surrounds them.
IgnoredNodes find_ignored(const InferenceGraph& graph, const IgnoredScope& scope) {
  IgnoredNodes ignored = match_scope(graph, scope);
  for (const ov::Node* node : match_ignored_patterns(graph)) {
    ignored.emplace(node, "part of a pattern that stays in floating point");
  }
  return ignored;
}

/// The first quantized convolutions met on the way from the model's inputs. Source: NNCF 3.4.0,
/// min_max/algorithm.py, _get_first_quantized_convolutions().
std::unordered_set<const ov::Node*> first_convolutions(const ov::Model& model, const Placement& placement) {
  std::unordered_set<const ov::Node*> quantized;
  for (const Weight& weight : placement.weights) {
    if (is_convolution(*weight.node)) {
      quantized.insert(weight.node);
    }
  }
  std::unordered_set<const ov::Node*> found;
  std::unordered_set<const ov::Node*> visited;
  std::deque<ov::Node*> queue;
  for (const auto& parameter : model.get_parameters()) {
    queue.push_back(parameter.get());
  }
  while (!queue.empty()) {
    ov::Node* node = queue.front();
    queue.pop_front();
    if (!visited.insert(node).second) {
      continue;
    }
    if (quantized.contains(node)) {
      found.insert(node);
      continue;
    }
    for (const Tensor& output : node->outputs()) {
      for (const Edge& edge : output.get_target_inputs()) {
        queue.push_back(edge.get_node());
      }
    }
  }
  return found;
}

bool takes_half_range(OverflowFix fix,
                      const ov::Node& node,
                      const std::unordered_set<const ov::Node*>& first) {
  switch (fix) {
    case OverflowFix::disable:
      return false;
    case OverflowFix::first_layer_only:
      return first.contains(&node);
    case OverflowFix::automatic:
      return !has_vnni() && (is_convolution(node) || is_matmul(node));
    case OverflowFix::enable:
      break;
  }
  return is_convolution(node) || is_matmul(node);
}

QuantizeResult run(const std::shared_ptr<ov::Model>& model,
                   const Statistics& statistics,
                   const QuantizeOptions& options,
                   const Progress& progress,
                   const Replay& replay) {
  QuantizeResult result{model->clone(), {}};
  make_friendly_names_unique(*result.model);
  const InferenceGraph graph(result.model);
  refuse_quantized_model(graph);
  check_statistics(graph, statistics);

  step(progress, "smooth_quant", 0, 1);
  StatisticsMap map(graph, statistics.impl());
  const WeightScales scales = smooth_quant(graph, map, options, result.steps);

  step(progress, "min_max", 0, 1);
  const InferenceGraph smoothed(result.model);
  const IgnoredNodes ignored = find_ignored(smoothed, options.ignored_scope);
  const Placement placement = place_quantizers(smoothed, ignored,
                                               {has_symmetric_activations(options), options.attention_inputs,
                                                options.quantize_outputs, options.activations_per_channel});
  result.steps.insert(result.steps.end(), placement.skipped.begin(), placement.skipped.end());
  quantize_activations(smoothed, placement, map, scales, options, result.steps);

  const auto first = first_convolutions(*result.model, placement);
  WeightQuantizer weights(smoothed, map, scales, options, result.steps);
  std::vector<WeightQuantizer::Layer> layers;
  for (const Weight& weight : placement.weights) {
    layers.push_back({&weight,
                      {.symmetric = has_symmetric_weights(options),
                       .per_channel = options.weights_per_channel,
                       .half_range = takes_half_range(options.overflow_fix, *weight.node, first)}});
  }
  weights.quantize(layers, progress);
  for (const auto& [node, reason] : ignored) {
    if (const Weight* weight = smoothed.weight(*node)) {
      weights.keep(*weight);
    }
  }
  result.model->validate_nodes_and_infer_types();
  if (options.bias_correction == BiasCorrection::full) {
    std::ranges::move(
        correct_biases_in_turn(model, result.model, smoothed, placement.weights,
                               options.bias_correction_threshold.value_or(kFullThreshold), replay, progress),
        std::back_inserter(result.steps));
  }
  return result;
}

}  // namespace

QuantizeOptions resolved(QuantizeOptions options) {
  if (options.parity == Parity::none) {
    return options;
  }
  options.smooth_quant_search = false;
  options.smooth_quant_fold = false;
  options.search_ranges = false;
  options.attention_inputs = true;
  if (options.bias_correction == BiasCorrection::per_channel) {
    options.bias_correction = BiasCorrection::fast;
  }
  if (options.overflow_fix == OverflowFix::automatic) {
    options.overflow_fix =
        has_symmetric_weights(options) ? OverflowFix::first_layer_only : OverflowFix::disable;
  }
  return options;
}

QuantizeResult quantize(const std::shared_ptr<ov::Model>& model,
                        const Statistics& statistics,
                        const QuantizeOptions& options,
                        const Progress& progress,
                        const Replay& replay) {
  check(options);
  if (options.bias_correction == BiasCorrection::full && !replay) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                "expected samples to run again for full bias correction, found none.");
  }
  if (!model) {
    throw Error(ErrorCode::invalid_argument, kWhere, "expected a model, found none.");
  }
  try {
    return run(model, statistics, resolved(options), progress, replay);
  } catch (const ov::Exception& e) {
    throw Error(ErrorCode::internal, kWhere, e.what());
  }
}

}  // namespace sotto::quantize
