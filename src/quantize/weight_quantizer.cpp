#include "quantize/weight_quantizer.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "core/parallel.h"
#include "quantize/bias_correction.h"
#include "quantize/fast_bias_correction.h"
#include "quantize/output_error.h"
#include "quantize/weight_compression.h"
#include "quantize/weights.h"

namespace sotto::quantize {
namespace {

std::string name_of(const Weight& weight) {
  return fmt::format("{}/fq_weights_{}", weight.node->get_friendly_name(), weight.port);
}

/// The largest first, so that no thread is left with one when the others are done.
std::vector<std::size_t> by_size(std::span<const WeightQuantizer::Layer> layers) {
  std::vector<std::size_t> order(layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return ov::shape_size(layers[i].weight->shape); });
  return order;
}

}  // namespace

/// All that is known of a layer before the graph is changed.
struct WeightQuantizer::Work {
  WeightRange range;
  std::optional<Tensor> compressed;
  double sqnr_db = 0.0;
  StepReport output_error;
  std::optional<ChannelShift> channel_shift;  // of BiasCorrection::per_channel
  std::optional<std::vector<float>> shift;    // of BiasCorrection::fast
  std::string why_no_shift;                   // where that is empty
};

WeightQuantizer::WeightQuantizer(const InferenceGraph& graph,
                                 const StatisticsMap& statistics,
                                 const WeightScales& scales,
                                 const QuantizeOptions& options,
                                 std::vector<StepReport>& reports)
    : graph_(graph), statistics_(statistics), scales_(scales), options_(options), reports_(reports) {}

void WeightQuantizer::quantize(std::span<const Layer> layers, const Progress& progress) {
  const std::vector<std::size_t> order = by_size(layers);
  std::vector<Work> work(layers.size());
  const auto caller = std::this_thread::get_id();
  std::atomic<std::size_t> n_done = 0;
  parallel_each(layers.size(), kMaxThreads, [&](std::size_t i) {
    if (std::this_thread::get_id() == caller) {
      step(progress, "weights", static_cast<double>(n_done), static_cast<double>(layers.size()));
    }
    work[order[i]] = compute(layers[order[i]]);
    ++n_done;
  });
  for (std::size_t i = 0; i < layers.size(); ++i) {
    apply(layers[i], work[i]);
  }
}

WeightQuantizer::Work WeightQuantizer::compute(const Layer& layer) const {
  const Weight& weight = *layer.weight;
  const std::vector<float> values = scaled_values(weight);
  Work work;
  work.range = weight_range(values, weight, layer.scheme);
  const QuantizedWeight quantized = quantize_weight(values, weight, work.range);
  work.sqnr_db = quantize::sqnr_db(values, weight, quantized);
  work.output_error = quantize::output_error(statistics_, weight, values, quantized);
  if (options_.bias_correction == BiasCorrection::per_channel) {
    work.channel_shift = channel_shift(graph_, statistics_, weight, values, quantized);
  } else if (options_.bias_correction == BiasCorrection::fast && is_bias_correctable(graph_, weight)) {
    work.shift =
        weight_shift(statistics_, weight, values, quantized, MeanOutput::observed, work.why_no_shift);
  }
  if (options_.compress_weights) {
    work.compressed = compressed_weight(weight, quantized, work.range.shape, name_of(weight));
  }
  return work;
}

void WeightQuantizer::apply(const Layer& layer, Work& work) {
  const Weight& weight = *layer.weight;
  auto [shared, is_new] = replaced_.try_emplace(weight.operand());
  if (is_new) {
    shared->second = work.compressed ? *work.compressed : fake_quantized(weight, work.range);
  }
  if (work.channel_shift) {
    add_channel_shift(weight, *work.channel_shift);
    reports_.push_back(std::move(work.channel_shift->report));
  } else if (work.shift) {
    reports_.push_back(correct_bias(graph_, weight, *work.shift, std::move(work.why_no_shift),
                                    options_.bias_correction_threshold.value_or(kFastThreshold)));
  }
  weight.node->input(weight.port).replace_source_output(shared->second);
  const std::string reason = is_new ? "" : "shares the integers of another layer";
  reports_.push_back({"compress_weights", weight.node->get_friendly_name(), options_.compress_weights, reason,
                      work.sqnr_db});
  reports_.push_back(std::move(work.output_error));
}

Tensor WeightQuantizer::fake_quantized(const Weight& weight, const WeightRange& range) const {
  const Tensor values =
      scales_.contains(weight.node) ? float_weight(weight, scaled_values(weight)) : weight.operand();
  return fake_quantized_weight(values, range, name_of(weight));
}

void WeightQuantizer::keep(const Weight& weight) {
  if (scales_.contains(weight.node)) {
    weight.node->input(weight.port).replace_source_output(float_weight(weight, scaled_values(weight)));
  }
}

std::vector<float> WeightQuantizer::scaled_values(const Weight& weight) const {
  const auto scale = scales_.find(weight.node);
  return scale == scales_.end() ? weight_values(weight) : weight_values(weight, *scale->second);
}

}  // namespace sotto::quantize
