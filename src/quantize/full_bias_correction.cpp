#include "quantize/full_bias_correction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <openvino/op/assign.hpp>
#include <openvino/op/read_value.hpp>
#include <openvino/op/result.hpp>
#include <openvino/runtime/core.hpp>

#include "core/log.h"
#include "quantize/fast_bias_correction.h"
#include "quantize/op_table.h"
#include "quantize/statistics_op.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "full_bias_correction";

using Means = std::vector<std::vector<double>>;  // of each layer, [output channels]

/// A layer with a bias of one value for each output channel.
struct BiasedLayer {
  const Weight* weight;
  Bias bias;

  std::string name() const { return weight->node->get_friendly_name(); }
  std::size_t n_channels() const { return ov::shape_size(bias.constant->get_shape()); }
};
using Layers = std::vector<BiasedLayer>;

/// Takes the FakeQuantize off activations.
void remove_activation_quantizers(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    const bool of_weights = node->get_friendly_name().find("/fq_weights_") != std::string::npos;
    if (type_name(*node) == "FakeQuantize" && !of_weights) {
      node->output(0).replace(node->input_value(0));
    }
  }
}

/// The Assigns of the states that the results depend on, directly or through such an Assign.
ov::SinkVector sinks_of(const ov::ResultVector& results, const ov::Model& model) {
  std::map<std::string, std::shared_ptr<ov::op::Sink>> assigns;
  for (const auto& sink : model.get_sinks()) {
    if (const auto assign = std::dynamic_pointer_cast<ov::op::util::AssignBase>(sink)) {
      assigns[assign->get_variable_id()] = sink;
    }
  }
  ov::SinkVector found;
  std::unordered_set<const ov::Node*> visited;
  std::vector<const ov::Node*> open;
  std::ranges::transform(results, std::back_inserter(open), [](const auto& result) { return result.get(); });
  while (!open.empty()) {
    const ov::Node* node = open.back();
    open.pop_back();
    if (!visited.insert(node).second) {
      continue;
    }
    for (const Tensor& input : node->input_values()) {
      open.push_back(input.get_node());
    }
    if (const auto* read = dynamic_cast<const ov::op::util::ReadValueBase*>(node)) {
      const auto assign = assigns.find(read->get_variable_id());
      if (assign != assigns.end() && !visited.contains(assign->second.get())) {
        found.push_back(assign->second);
        open.push_back(assign->second.get());
      }
    }
  }
  return found;
}

/// The part of a copy of `model` that leads to the layers' outputs, of which it gives StatisticsOp's.
std::shared_ptr<ov::Model> ending_with(const Layers& layers, const ov::Model& model) {
  const auto clone = model.clone();
  make_friendly_names_unique(*clone);
  remove_activation_quantizers(*clone);
  std::unordered_map<std::string, std::shared_ptr<ov::Node>> nodes;
  for (const auto& node : clone->get_ordered_ops()) {
    nodes.emplace(node->get_friendly_name(), node);
  }
  ov::ResultVector results;
  for (const BiasedLayer& layer : layers) {
    const Tensor output = nodes.at(layer.name())->output(0);
    const std::int64_t rank = output.get_partial_shape().rank().get_length();
    const std::int64_t axis = is_matmul(*layer.weight->node) ? rank - 1 : 1;
    results.push_back(std::make_shared<ov::op::v0::Result>(
        std::make_shared<StatisticsOp>(output, axis, static_cast<std::int64_t>(layer.n_channels()))));
  }
  const ov::SinkVector sinks = sinks_of(results, *clone);
  const auto part = std::make_shared<ov::Model>(results, sinks, clone->get_parameters());
  part->set_rt_info(std::string("f32"), "runtime_options", "KV_CACHE_PRECISION");
  return part;
}

/// Mean over the inferences of the mean of each output channel.
Means mean_outputs(ov::Core& core, const Layers& layers, const ov::Model& model, const Replay& replay) {
  constexpr std::size_t kMeanRow = 2;
  auto compiled =
      core.compile_model(ending_with(layers, model), "CPU", ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  Means sum;
  for (const BiasedLayer& layer : layers) {
    sum.emplace_back(layer.n_channels(), 0.0);
  }
  double n = 0.0;
  replay(request, [&] {
    request.infer();
    n += 1.0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto* mean = request.get_output_tensor(i).data<const float>() + kMeanRow * sum[i].size();
      std::ranges::transform(sum[i], std::span(mean, sum[i].size()), sum[i].begin(), std::plus<>());
    }
  });
  for (std::vector<double>& channels : sum) {
    std::ranges::for_each(channels, [&](double& mean) { mean /= std::max(n, 1.0); });
  }
  return sum;
}

/// Layers by the number of layers before them: those of one number do not depend on each other.
std::vector<Layers> in_turn(const Layers& layers, const ov::Model& model) {
  std::unordered_map<const ov::Node*, const BiasedLayer*> of_node;
  for (const BiasedLayer& layer : layers) {
    of_node.emplace(layer.weight->node, &layer);
  }
  std::unordered_map<const ov::Node*, std::size_t> n_before;
  std::vector<Layers> turns;
  for (const auto& node : model.get_ordered_ops()) {
    std::size_t n = 0;
    for (const Tensor& input : node->input_values()) {
      n = std::max(n, n_before[input.get_node()]);
    }
    if (const auto layer = of_node.find(node.get()); layer != of_node.end()) {
      turns.resize(std::max(turns.size(), n + 1));
      turns[n++].push_back(*layer->second);
    }
    n_before[node.get()] = n;
  }
  return turns;
}

StepReport correct(const BiasedLayer& layer,
                   const std::vector<double>& exact,
                   const std::vector<double>& quantized,
                   double threshold) {
  StepReport report{kName, layer.name(), false, "", 0.0};
  std::vector<float> bias = layer.bias.constant->cast_vector<float>();
  std::vector<float> updated = bias;
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const double shift = exact[c] - quantized[c];
    const double own = static_cast<double>(bias[c] + std::numeric_limits<float>::epsilon());
    report.value = std::max(report.value, std::abs(shift / own));
    updated[c] += static_cast<float>(shift);
  }
  report.done = report.value < threshold;
  if (report.done) {
    replace_bias(layer.bias, updated);
  } else {
    report.reason = "the shift is too large for the bias";
  }
  return report;
}

}  // namespace

std::vector<StepReport> correct_biases_in_turn(const std::shared_ptr<ov::Model>& fp,
                                               const std::shared_ptr<ov::Model>& quantized,
                                               const InferenceGraph& graph,
                                               std::span<const Weight> layers,
                                               double threshold,
                                               const Replay& replay,
                                               const Progress& progress) {
  std::vector<StepReport> reports;
  Layers biased;
  for (const Weight& weight : layers) {
    const bool is_layer = is_matmul(*weight.node) || is_convolution(*weight.node);
    auto bias = is_layer ? find_bias(graph, *weight.node) : std::nullopt;
    if (!bias) {
      continue;
    }
    const auto output = weight.node->get_output_partial_shape(0);
    const auto n = static_cast<std::int64_t>(ov::shape_size(bias->constant->get_shape()));
    const auto channels = output[is_matmul(*weight.node) ? output.size() - 1 : 1];
    if (channels == n) {
      biased.push_back({&weight, *std::move(bias)});
    } else {
      reports.push_back({kName, weight.node->get_friendly_name(), false,
                         "the bias is not one value for each output channel", 0.0});
    }
  }
  ov::Core core;
  const std::vector<Layers> turns = in_turn(biased, *quantized);
  std::unordered_map<std::string, std::vector<double>> exact;
  if (!biased.empty()) {
    Means means = mean_outputs(core, biased, *fp, replay);
    for (std::size_t i = 0; i < biased.size(); ++i) {
      exact.emplace(biased[i].name(), std::move(means[i]));
    }
  }
  for (std::size_t turn = 0; turn < turns.size(); ++turn) {
    step(progress, kName, static_cast<double>(turn), static_cast<double>(turns.size()));
    const Means means = mean_outputs(core, turns[turn], *quantized, replay);
    for (std::size_t i = 0; i < means.size(); ++i) {
      const BiasedLayer& layer = turns[turn][i];
      reports.push_back(correct(layer, exact.at(layer.name()), means[i], threshold));
    }
  }
  return reports;
}

}  // namespace sotto::quantize
