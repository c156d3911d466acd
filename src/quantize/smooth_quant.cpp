#include "quantize/smooth_quant.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openvino/op/multiply.hpp>

#include "core/parallel.h"
#include "quantize/aggregate.h"
#include "quantize/observation.h"
#include "quantize/op_table.h"
#include "quantize/smooth_fold.h"
#include "quantize/smooth_search.h"
#include "quantize/weights.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "smooth_quant";
constexpr float kMinStatistic = 1e-5F;
constexpr float kMaxScale = 100.0F;
constexpr double kLowQuantile = 0.1;
constexpr float kEpsilon = std::numeric_limits<float>::epsilon();

/// Layers that read one tensor at the same port.
struct Group {
  Tensor source;
  std::size_t port = 0;
  double alpha = 0.0;
  std::vector<const Weight*> weights;
};

struct Scale {
  std::vector<float> values;
  double ratio = 0.0;  ///< smallest over largest: how flat
};

float round_to_half(float x) {
  return static_cast<float>(ov::float16(x));
}

/// magnitude^(1 - alpha) of a weight, in the arithmetic of the constant's type as NNCF has it.
float weight_term(float magnitude, double alpha, bool half) {
  const auto exponent = static_cast<float>(1.0 - alpha);
  if (!half) {
    return std::pow(std::max(magnitude, kMinStatistic), exponent);
  }
  return round_to_half(std::pow(std::max(magnitude, round_to_half(kMinStatistic)), round_to_half(exponent)));
}

/// activation^alpha / weight^(1 - alpha) by channel, without its lowest tenth.
Scale smooth_scale(const std::vector<float>& activation, const Weight& weight, double alpha) {
  const auto magnitude = max_abs_along(weight_values(weight), weight.shape, *weight.input_axis);
  const bool half = weight.constant->get_element_type() == ov::element::f16;
  Scale scale;
  for (std::size_t c = 0; c < activation.size(); ++c) {
    const float numerator = std::pow(std::max(activation[c], kMinStatistic), static_cast<float>(alpha));
    scale.values.push_back(numerator / (weight_term(magnitude[c], alpha, half) + kEpsilon));
  }
  const float low = std::min(quantile(scale.values, kLowQuantile), kMaxScale);
  for (float& s : scale.values) {
    s = std::clamp(s, low, kMaxScale);
  }
  const auto [min, max] = std::ranges::minmax(scale.values);
  scale.ratio = static_cast<double>(min / (max + kEpsilon));
  return scale;
}

double alpha_of(const ov::Node& node, const QuantizeOptions& options) {
  if (is_matmul(node)) {
    return options.smooth_quant_alpha;
  }
  return type_name(node) == "Convolution" ? options.smooth_quant_alpha_convolution : -1.0;
}

std::string why_not(const InferenceGraph& graph, const Weight& weight) {
  const Tensor activation = weight.node->input_value(1 - weight.port);
  if (!graph.contains(*activation.get_node())) {
    return "the input does not depend on data";
  }
  if (is_convolution(*weight.node) && is_agnostic(*activation.get_node())) {
    return "the input of a convolution comes from an operation that only moves values";
  }
  if (weight.operand().get_target_inputs().size() > 1) {
    return "the weight is shared with another layer";
  }
  return {};
}

std::vector<Group> find_groups(const InferenceGraph& graph,
                               const QuantizeOptions& options,
                               std::vector<StepReport>& reports) {
  std::vector<Group> groups;
  for (const auto& node : graph.nodes()) {
    const Weight* weight = graph.weight(*node);
    const double alpha = alpha_of(*node, options);
    if (weight == nullptr || alpha < 0.0) {
      continue;
    }
    if (std::string reason = why_not(graph, *weight); !reason.empty()) {
      reports.push_back({kName, node->get_friendly_name(), false, std::move(reason), 0.0});
      continue;
    }
    const std::size_t port = 1 - weight->port;
    const Tensor source = node->input_value(port);
    auto group =
        std::ranges::find_if(groups, [&](const Group& g) { return g.source == source && g.port == port; });
    if (group == groups.end()) {
      group = groups.insert(group, {source, port, alpha, {}});
    }
    group->weights.push_back(weight);
  }
  return groups;
}

std::vector<float> max_magnitude(const SiteStatistics& site) {
  std::vector<float> magnitude;
  for (std::size_t c = 0; c < site.min.size(); ++c) {
    magnitude.push_back(std::max(std::abs(site.min[c]), std::abs(site.max[c])));
  }
  return magnitude;
}

/// The flattest of the scales that the group's layers ask for, each by its own weight.
Scale flattest(const Group& group, const SiteStatistics& site) {
  const std::vector<float> activation = max_magnitude(site);
  Scale best;
  for (const Weight* weight : group.weights) {
    Scale scale = smooth_scale(activation, *weight, group.alpha);
    if (scale.ratio > best.ratio) {
      best = std::move(scale);
    }
  }
  return best;
}

std::shared_ptr<ov::Node> insert_multiply(const Group& group,
                                          const std::vector<float>& inverse,
                                          std::size_t axis,
                                          const std::string& name) {
  ov::Shape shape(static_cast<std::size_t>(group.source.get_partial_shape().rank().get_length()), 1);
  shape[axis] = inverse.size();
  const auto constant = ov::op::v0::Constant::create(group.source.get_element_type(), shape, inverse);
  constant->set_friendly_name(name + "/scale");
  const auto multiply = std::make_shared<ov::op::v1::Multiply>(group.source, constant);
  multiply->set_friendly_name(name);
  for (const Weight* weight : group.weights) {
    weight->node->input(group.port).replace_source_output(multiply->output(0));
  }
  return multiply;
}

/// What was observed of a group's tensor along the channels of its layers; nullptr if nothing was.
const TensorStatistics* observed_by(const Group& group, const StatisticsMap& statistics) {
  const auto rank = static_cast<std::size_t>(group.source.get_partial_shape().rank().get_length());
  const std::size_t axis = activation_channel_axis(*group.weights.front()->node, group.port, rank);
  const TensorStatistics* observed = statistics.along(group.source, axis);
  return observed == nullptr || observed->site->n_samples == 0 ? nullptr : observed;
}

/// The scale of a group, or why it has none.
struct Decision {
  Scale scale;
  std::string why_not;
};

Decision decide(const Group& group, const TensorStatistics* observed, const QuantizeOptions& options) {
  if (observed == nullptr) {
    return {{}, "nothing was observed"};
  }
  Scale usual = flattest(group, *observed->site);
  if (!options.smooth_quant_search || !can_search_smoothing(group.weights, *observed->site)) {
    const bool usable = !usual.values.empty();
    return {std::move(usual), usable ? "" : "no usable scale: its channels are all without range"};
  }
  std::vector<float> scale = search_smoothing(group.weights, *observed->site, usual.values, options);
  if (scale.empty()) {
    return {{}, "smoothing does not lower the error"};
  }
  const auto [min, max] = std::ranges::minmax(scale);
  return {{std::move(scale), static_cast<double>(min / max)}, {}};
}

/// Decides on all groups, several at a time, then changes the graph.
class Smoother {
 public:
  Smoother(const InferenceGraph& graph,
           StatisticsMap& statistics,
           const QuantizeOptions& options,
           std::vector<StepReport>& reports)
      : graph_(graph), statistics_(statistics), options_(options), reports_(reports) {}

  WeightScales run() {
    const std::vector<Group> groups = find_groups(graph_, options_, reports_);
    std::vector<Decision> decisions(groups.size());
    parallel_each(groups.size(), kMaxThreads, [&](std::size_t i) {
      decisions[i] = decide(groups[i], observed_by(groups[i], statistics_), options_);
    });
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (decisions[i].why_not.empty()) {
        apply(groups[i], std::move(decisions[i].scale));
      } else {
        reports_.push_back({kName, groups[i].source.get_node()->get_friendly_name(), false,
                            std::move(decisions[i].why_not), 0.0});
      }
    }
    return std::move(scales_);
  }

 private:
  void apply(const Group& group, Scale scale) {
    const TensorStatistics& observed = *observed_by(group, statistics_);
    const SiteStatistics* site = observed.site;
    const auto axis = static_cast<std::size_t>(site->site.axis);
    std::vector<float> inverse;
    for (const float s : scale.values) {
      inverse.push_back(1.0F / s);
    }
    if (options_.smooth_quant_fold && is_only_reader(group) &&
        fold_channel_factors(group.source, axis, inverse)) {
      statistics_.rescale(group.source, axis, std::move(inverse));
    } else {
      const std::string name =
          fmt::format("{}_{}_{}/nncf_smooth_quant", group.source.get_node()->get_friendly_name(),
                      group.source.get_index(), n_of_source_[group.source]++);
      const auto multiply = insert_multiply(group, inverse, axis, name);
      statistics_.add(multiply->output(0), axis, {site, std::move(inverse)});
    }
    const auto shared = std::make_shared<const std::vector<float>>(std::move(scale.values));
    for (const Weight* weight : group.weights) {
      scales_.emplace(weight->node, shared);
      reports_.push_back({kName, weight->node->get_friendly_name(), true, {}, scale.ratio});
    }
  }

  static bool is_only_reader(const Group& group) {
    return group.source.get_target_inputs().size() == group.weights.size();
  }

  const InferenceGraph& graph_;
  StatisticsMap& statistics_;
  const QuantizeOptions& options_;
  std::vector<StepReport>& reports_;
  WeightScales scales_;
  std::map<Tensor, std::size_t> n_of_source_;
};

}  // namespace

std::vector<std::vector<float>> TensorStatistics::tokens() const {
  std::vector<std::vector<float>> rows = site->tokens.rows();
  for (std::vector<float>& row : rows) {
    for (std::size_t c = 0; c < scale.size(); ++c) {
      row[c] *= scale[c];
    }
  }
  return rows;
}

StatisticsMap::StatisticsMap(const InferenceGraph& graph, const Statistics::Impl& statistics)
    : statistics_(statistics) {
  std::map<std::string, ov::Node*> by_name;
  for (const auto& node : graph.nodes()) {
    by_name.emplace(node->get_friendly_name(), node.get());
  }
  for (const SiteStatistics& s : statistics.sites) {
    const Tensor tensor = by_name.at(s.site.node)->output(s.site.port);
    if (s.site.axis >= 0) {
      add(tensor, static_cast<std::size_t>(s.site.axis), {&s, {}});
    } else {
      by_root_.emplace(value_root(tensor), TensorStatistics{&s, {}});
    }
  }
}

void StatisticsMap::add(const Tensor& tensor, std::size_t axis, TensorStatistics statistics) {
  if (statistics.site->site.keep != Site::Keep::mean) {
    by_root_.emplace(value_root(tensor), statistics);
  }
  by_axis_.emplace(std::pair{tensor, axis}, std::move(statistics));
}

void StatisticsMap::rescale(const Tensor& tensor, std::size_t axis, std::vector<float> scale) {
  TensorStatistics& by_axis = by_axis_.at({tensor, axis});
  by_axis.scale = std::move(scale);
  by_root_.insert_or_assign(value_root(tensor), by_axis);
}

const TensorStatistics* StatisticsMap::along(const Tensor& tensor, std::size_t axis) const {
  const auto found = by_axis_.find({tensor, axis});
  return found == by_axis_.end() ? nullptr : &found->second;
}

const TensorStatistics* StatisticsMap::whole(const Tensor& tensor) const {
  const auto found = by_root_.find(value_root(tensor));
  return found == by_root_.end() ? nullptr : &found->second;
}

WeightScales smooth_quant(const InferenceGraph& graph,
                          StatisticsMap& statistics,
                          const QuantizeOptions& options,
                          std::vector<StepReport>& reports) {
  Smoother smoother(graph, statistics, options, reports);
  return smoother.run();
}

}  // namespace sotto::quantize
