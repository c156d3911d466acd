#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <openvino/core/except.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/subtract.hpp>
#include <openvino/pass/constant_folding.hpp>

#include "core/log.h"
#include "quantize/awq.h"
#include "quantize/graph_analysis.h"
#include "quantize/group_quantization.h"
#include "quantize/ignored_scope.h"
#include "quantize/observation.h"
#include "quantize/op_table.h"
#include "quantize/smooth_quant.h"
#include "quantize/statistics.h"
#include "quantize/weights.h"
#include "sotto/error.h"
#include "sotto/quantize.h"

namespace sotto::quantize {
namespace {

using ov::op::v0::Constant;

constexpr const char* kName = "weight_compression";
constexpr std::size_t kLeastGroup = 32;

bool is_4_bit(WeightMode mode) {
  return mode == WeightMode::int4_asym || mode == WeightMode::int4_sym;
}

void check(const CompressWeightsOptions& options) {
  if (options.group_size != -1 && options.group_size < 2) {
    throw Error(ErrorCode::invalid_argument, kName,
                fmt::format("expected a group_size of -1 or at least 2, found {}.", options.group_size));
  }
  if (!(options.ratio >= 0.0 && options.ratio <= 1.0)) {
    throw Error(ErrorCode::invalid_argument, kName,
                fmt::format("expected a ratio of 0 to 1, found {}.", options.ratio));
  }
}

/// A weight that is compressed, and how. Layers that read the same tensor share it.
struct Plan {
  std::vector<Weight> layers;
  IntegerFormat format;
  std::size_t group_size = 0;  ///< of 4 bits; 0: one scale for each output channel
  std::string reason;          ///< why not 4 bits, where they were asked for
  double noise = 0.0;          ///< of the layer's output, relative to it, with 4 bits

  const Weight& weight() const { return layers.front(); }
  std::size_t n_elements() const { return ov::shape_size(weight().shape); }
};

/// Values in the order output channel, input channel, and back. 4-bit weights have this order already.
std::vector<std::size_t> channels_first(const Weight& weight) {
  std::vector<std::size_t> axes = weight.channel_axes;
  for (std::size_t axis = 0; axis < weight.shape.size(); ++axis) {
    if (std::ranges::find(axes, axis) == axes.end()) {
      axes.push_back(axis);
    }
  }
  std::vector<std::size_t> index(ov::shape_size(weight.shape));
  const std::vector<std::size_t> strides = ov::row_major_strides(weight.shape);
  std::vector<std::size_t> at(axes.size(), 0);
  for (std::size_t& i : index) {
    i = 0;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      i += at[k] * strides[axes[k]];
    }
    for (std::size_t k = axes.size(); k-- > 0 && ++at[k] == weight.shape[axes[k]];) {
      at[k] = 0;
    }
  }
  return index;
}

ov::Shape channel_shape(const Weight& weight) {
  ov::Shape shape(weight.shape.size(), 1);
  for (const std::size_t axis : weight.channel_axes) {
    shape[axis] = weight.shape[axis];
  }
  return shape;
}

/// The group size for this many input channels, or 0 where there is none.
std::size_t fitting_group(std::size_t n_input, int wanted) {
  if (wanted == -1) {
    return n_input;
  }
  auto group = static_cast<std::size_t>(wanted);
  if (n_input % group == 0) {
    return group;
  }
  for (group = std::size_t{1} << 30U; group >= kLeastGroup; group /= 2) {
    if (n_input % group == 0) {
      return group;
    }
  }
  return 0;
}

std::shared_ptr<ov::Node> named(std::shared_ptr<ov::Node> node, const std::string& name) {
  node->set_friendly_name(name);
  return node;
}

class Compressor {
 public:
  Compressor(const InferenceGraph& graph, const CompressWeightsOptions& options, const Statistics* statistics)
      : graph_(graph), options_(options) {
    if (statistics != nullptr) {
      map_.emplace(graph, statistics->impl());
    }
  }

  std::vector<Plan> plan(const IgnoredNodes& ignored, std::vector<StepReport>& reports) {
    std::vector<Plan> plans;
    std::map<Tensor, std::size_t> by_tensor;
    const ov::Node* last = last_matmul();
    for (const auto& node : graph_.nodes()) {
      for (const Weight& weight : graph_.weights(*node)) {
        if (!is_compressible(*node, weight)) {
          continue;
        }
        if (const auto found = ignored.find(node.get()); found != ignored.end()) {
          reports.push_back({kName, node->get_friendly_name(), false, found->second, 0.0});
          continue;
        }
        const auto [at, is_new] = by_tensor.emplace(weight.operand(), plans.size());
        if (is_new) {
          plans.push_back(plan_of(weight));
        }
        plans[at->second].layers.push_back(weight);
        if (plans[at->second].group_size != 0 && !options_.all_layers &&
            (node.get() == last || graph_.is_embedding(*node))) {
          keep_8_bits(plans[at->second], "8 bits: a token table or the last layer");
        }
      }
    }
    choose_by_sensitivity(plans);
    return plans;
  }

  /// Scales the layers of `plans` that take 4 bits and gain by it.
  void scale(const std::vector<Plan>& plans, std::vector<StepReport>& reports) {
    if (!map_ || !options_.awq) {
      return;
    }
    std::vector<GroupedLayer> layers;
    for (const Plan& plan : plans) {
      if (plan.group_size != 0 && plan.layers.size() == 1) {
        layers.push_back({&plan.weight(), plan.format, plan.group_size});
      }
    }
    scales_ = awq(*map_, layers, options_.scale_estimation, reports);
  }

  void compress(const Plan& plan, std::vector<StepReport>& reports) const {
    const Weight& weight = plan.weight();
    const auto scale = scales_.find(weight.node);
    const std::vector<float> values =
        scale == scales_.end() ? weight_values(weight) : weight_values(weight, *scale->second);
    const bool has_groups = plan.group_size != 0;
    const std::size_t n_row =
        has_groups ? plan.group_size : values.size() / ov::shape_size(channel_shape(weight));
    const std::vector<std::size_t> order = channels_first(weight);
    std::vector<float> rows(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = values[order[i]];
    }
    const bool search = has_groups && options_.scale_estimation;
    GroupQuantized quantized =
        quantize_groups(rows, n_row, plan.format, search, search ? importance(weight) : std::vector<float>());
    const double sqnr = sqnr_db(rows, quantized, n_row);
    std::vector<int> integers(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      integers[order[i]] = quantized.integers[i];
    }
    quantized.integers = std::move(integers);
    const Tensor operand = decompression(plan, quantized);
    for (const Weight& layer : plan.layers) {
      layer.node->input(layer.port).replace_source_output(operand);
      reports.push_back({kName, layer.node->get_friendly_name(), true, plan.reason, sqnr});
    }
  }

 private:
  static bool is_compressible(const ov::Node& node, const Weight& weight) {
    return !weight.channel_axes.empty() && weight.shape.size() >= 2 &&
           (is_matmul(node) || is_convolution(node) || std::string_view(node.get_type_name()) == "Gather");
  }

  const ov::Node* last_matmul() const {
    const ov::Node* last = nullptr;
    for (const auto& node : graph_.nodes()) {
      last = is_matmul(*node) && graph_.weight(*node) != nullptr ? node.get() : last;
    }
    return last;
  }

  Plan plan_of(const Weight& weight) const {
    Plan plan;
    plan.format = {8, options_.mode == WeightMode::int8_sym};
    if (!is_4_bit(options_.mode)) {
      return plan;
    }
    plan.format.symmetric = false;
    const bool has_rows = weight.shape.size() == 2 && weight.channel_axes == std::vector<std::size_t>{0};
    if (!has_rows) {
      plan.reason = "8 bits: not a matrix with a row for each output channel";
      return plan;
    }
    plan.group_size = fitting_group(weight.shape[1], options_.group_size);
    if (plan.group_size == 0) {
      plan.reason = fmt::format("8 bits: no group size from {} on divides {}", kLeastGroup, weight.shape[1]);
      return plan;
    }
    plan.format = {4, options_.mode == WeightMode::int4_sym};
    return plan;
  }

  static void keep_8_bits(Plan& plan, std::string reason) {
    plan.format = {8, false};
    plan.group_size = 0;
    plan.reason = std::move(reason);
  }

  /// The mean square of each input channel over the tokens kept, or empty.
  std::vector<float> importance(const Weight& weight) const {
    if (!map_ || !weight.input_axis) {
      return {};
    }
    for (const Edge& edge : graph_.data_inputs(*weight.node)) {
      const auto rank = edge.get_partial_shape().rank().get_length();
      const std::size_t axis =
          activation_channel_axis(*weight.node, edge.get_index(), static_cast<std::size_t>(rank));
      const TensorStatistics* tensor = map_->along(edge.get_source_output(), axis);
      if (tensor == nullptr || tensor->site->tokens.empty()) {
        continue;
      }
      std::vector<float> squares(weight.shape[*weight.input_axis], 0.0F);
      const auto tokens = tensor->tokens();
      if (tokens.front().size() != squares.size()) {
        continue;
      }
      for (const std::vector<float>& token : tokens) {
        for (std::size_t c = 0; c < squares.size(); ++c) {
          squares[c] += token[c] * token[c] / static_cast<float>(tokens.size());
        }
      }
      return squares;
    }
    return {};
  }

  /// Layers take 4 bits in the order of the noise that brings, until `ratio` of their weights have them.
  void choose_by_sensitivity(std::vector<Plan>& plans) const {
    if (options_.ratio >= 1.0) {
      return;
    }
    std::vector<Plan*> candidates;
    double n_all = 0.0;
    for (Plan& plan : plans) {
      if (plan.group_size != 0) {
        plan.noise = relative_noise(plan);
        n_all += static_cast<double>(plan.n_elements());
        candidates.push_back(&plan);
      }
    }
    std::ranges::stable_sort(candidates, [](const Plan* a, const Plan* b) { return a->noise < b->noise; });
    double n_taken = 0.0;
    for (Plan* plan : candidates) {
      n_taken += static_cast<double>(plan->n_elements());
      if (n_taken > options_.ratio * n_all) {
        keep_8_bits(*plan, fmt::format("8 bits: 4 would add {:.2g} of noise to its output", plan->noise));
      }
    }
  }

  double relative_noise(const Plan& plan) const {
    const std::vector<float> values = weight_values(plan.weight());
    const std::vector<float> weights = importance(plan.weight());
    const GroupQuantized quantized =
        quantize_groups(values, plan.group_size, plan.format, options_.scale_estimation, weights);
    double noise = 0.0;
    double signal = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double w = weights.empty() ? 1.0 : static_cast<double>(weights[i % weights.size()]);
      const auto error = static_cast<double>(values[i] - dequantized(quantized, i, i / plan.group_size));
      noise += w * error * error;
      signal += w * static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    return signal > 0.0 ? noise / signal : 0.0;
  }

  static double sqnr_db(const std::vector<float>& rows, const GroupQuantized& quantized, std::size_t n_row) {
    double noise = 0.0;
    double signal = 0.0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto error = static_cast<double>(rows[i] - dequantized(quantized, i, i / n_row));
      noise += error * error;
      signal += static_cast<double>(rows[i]) * static_cast<double>(rows[i]);
    }
    return 10.0 * std::log10(signal / noise);
  }

  Tensor decompression(const Plan& plan, const GroupQuantized& quantized) const {
    const Weight& weight = plan.weight();
    const std::string name = fmt::format("{}/fq_weights_{}", weight.node->get_friendly_name(), weight.port);
    const bool has_groups = plan.group_size != 0;
    const std::size_t n_groups = has_groups ? weight.shape[1] / plan.group_size : 0;
    const ov::Shape shape = has_groups ? ov::Shape{weight.shape[0], n_groups, plan.group_size} : weight.shape;
    const ov::Shape scale_shape =
        has_groups ? ov::Shape{weight.shape[0], n_groups, 1} : channel_shape(weight);
    const bool is_signed = plan.format.symmetric;
    const ov::element::Type type = plan.format.n_bits == 8 ? (is_signed ? ov::element::i8 : ov::element::u8)
                                                           : (is_signed ? ov::element::i4 : ov::element::u4);
    const auto unpacked = [&](const std::vector<int>& integers, const ov::Shape& s, const std::string& n) {
      const auto constant = named(Constant::create(type, s, integers), n);
      const auto convert = std::make_shared<ov::op::v0::Convert>(constant, ov::element::f16);
      ov::pass::disable_constant_folding(convert);
      return named(convert, n + "/convert");
    };
    std::shared_ptr<ov::Node> values =
        unpacked(quantized.integers, shape, weight.constant->get_friendly_name() + "/compressed");
    if (!quantized.zero_point.empty()) {
      values = named(std::make_shared<ov::op::v1::Subtract>(
                         values, unpacked(quantized.zero_point, scale_shape, name + "/zero_point")),
                     name + "/zero_point/subtract");
    }
    const auto scale =
        named(Constant::create(ov::element::f16, scale_shape, quantized.scale), name + "/scale");
    values = named(std::make_shared<ov::op::v1::Multiply>(values, scale), name);
    if (has_groups) {
      const auto dims = Constant::create(ov::element::i64, {weight.shape.size()}, weight.shape);
      values = named(std::make_shared<ov::op::v1::Reshape>(values, dims, false), name + "/reshape");
    }
    const auto layer_type = weight.node->get_input_element_type(weight.port);
    if (layer_type != ov::element::f16) {
      values = named(std::make_shared<ov::op::v0::Convert>(values, layer_type), name + "/convert");
    }
    return values->output(0);
  }

  const InferenceGraph& graph_;
  const CompressWeightsOptions& options_;
  std::optional<StatisticsMap> map_;
  WeightScales scales_;
};

QuantizeResult run(const std::shared_ptr<ov::Model>& model,
                   const CompressWeightsOptions& options,
                   const Statistics* statistics,
                   const Progress& progress) {
  QuantizeResult result{model->clone(), {}};
  make_friendly_names_unique(*result.model);
  const InferenceGraph graph(result.model);
  refuse_quantized_model(graph);
  refuse_weights_not_finite(graph);
  if (statistics != nullptr &&
      (!statistics->has_value() || statistics->impl().model_hash != model_hash(graph))) {
    throw Error(ErrorCode::invalid_argument, kName,
                "expected statistics of this model, found those of another one; calibrate again.");
  }
  Compressor compressor(graph, options, statistics);
  const auto plans = compressor.plan(match_scope(graph, options.ignored_scope), result.steps);
  compressor.scale(plans, result.steps);
  double n_done = 0.0;
  for (const Plan& plan : plans) {
    step(progress, "weights", n_done++, static_cast<double>(plans.size()));
    compressor.compress(plan, result.steps);
  }
  result.model->validate_nodes_and_infer_types();
  return result;
}

}  // namespace

QuantizeResult compress_weights(const std::shared_ptr<ov::Model>& model,
                                const CompressWeightsOptions& options,
                                const Statistics* statistics,
                                const Progress& progress) {
  check(options);
  if (!model) {
    throw Error(ErrorCode::invalid_argument, kName, "expected a model, found none.");
  }
  try {
    return run(model, options, statistics, progress);
  } catch (const ov::Exception& e) {
    throw Error(ErrorCode::internal, kName, e.what());
  }
}

}  // namespace sotto::quantize
