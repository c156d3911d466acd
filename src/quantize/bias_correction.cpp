#include "quantize/bias_correction.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <openvino/op/add.hpp>
#include <openvino/op/fake_quantize.hpp>

#include "quantize/fast_bias_correction.h"
#include "quantize/op_table.h"
#include "quantize/rounding.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "bias_correction";
/// Share of a layer's squared output error that a bias must take away to be added.
constexpr double kWorthwhile = 0.02;
constexpr std::size_t kTokensToJudgeBy = 8;

using Tokens = std::vector<std::vector<float>>;

std::vector<float> bound(const ov::Node& fq, std::size_t port) {
  return dynamic_cast<const ov::op::v0::Constant&>(*fq.get_input_node_ptr(port)).cast_vector<float>();
}

/// As the FakeQuantize in front of the layer has them; as they are if there is none.
Tokens quantized_tokens(Tokens tokens, const Weight& weight) {
  const auto fq = std::dynamic_pointer_cast<ov::op::v0::FakeQuantize>(
      weight.node->get_input_node_shared_ptr(1 - weight.port));
  if (!fq) {
    return tokens;
  }
  const std::vector<float> low = bound(*fq, 1);
  const std::vector<float> high = bound(*fq, 2);
  std::vector<Levels> levels;
  for (std::size_t c = 0; c < low.size(); ++c) {
    levels.emplace_back(low[c], high[c], static_cast<float>(fq->get_levels() - 1));
  }
  for (std::vector<float>& token : tokens) {
    for (std::size_t c = 0; c < token.size(); ++c) {
      token[c] = levels[levels.size() == 1 ? 0 : c](token[c]);
    }
  }
  return tokens;
}

/// What share of all positions each kept token stands for. Counted alike, the tokens would speak for what is
/// far from the mean, which is preferred when they are kept.
std::vector<double> shares_of(const TokenReservoir& tokens) {
  const std::vector<std::uint64_t> counts = tokens.counts();
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  std::vector<double> shares;
  std::ranges::transform(counts, std::back_inserter(shares),
                         [&](std::uint64_t n) { return static_cast<double>(n) / std::max(all, 1.0); });
  return shares;
}

std::vector<float> mean_of(const Tokens& tokens, const std::vector<double>& shares) {
  std::vector<double> sum(tokens.front().size(), 0.0);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    for (std::size_t c = 0; c < sum.size(); ++c) {
      sum[c] += shares[t] * static_cast<double>(tokens[t][c]);
    }
  }
  return {sum.begin(), sum.end()};
}

/// A layer's mean output for kept tokens: with its own weights and input, and with quantized ones.
struct MeanOutputs {
  std::vector<double> exact;
  std::vector<double> quantized;
  std::vector<double> quantized_of_exact_input;
};

MeanOutputs mean_outputs(const Weight& weight,
                         std::span<const float> values,
                         const QuantizedWeight& quantized,
                         const SiteStatistics& site,
                         std::vector<float> mean,
                         std::vector<float> rounded_mean) {
  const std::vector<float> x = as_operand(weight, std::move(mean), site);
  const std::vector<float> q = as_operand(weight, std::move(rounded_mean), site);
  return {dot(values, x, weight), dot(quantized, q, weight), dot(quantized, x, weight)};
}

/// Sets to 0 what would not bring the mean output for the kept tokens nearer to the exact one.
std::size_t keep_what_helps(std::vector<float>& shift, const MeanOutputs& mean) {
  std::size_t n_kept = 0;
  for (std::size_t c = 0; c < shift.size(); ++c) {
    const double error = mean.quantized[c] - mean.exact[c];
    if (std::abs(error + static_cast<double>(shift[c])) < std::abs(error)) {
      ++n_kept;
    } else {
      shift[c] = 0.0F;
    }
  }
  return n_kept;
}

/// Mean over a few tokens of the layer's squared output error, summed over its outputs.
double squared_error(const Weight& weight,
                     std::span<const float> values,
                     const QuantizedWeight& quantized,
                     const Tokens& tokens,
                     const Tokens& rounded) {
  const std::size_t n = std::min(tokens.size(), kTokensToJudgeBy);
  double sum = 0.0;
  for (std::size_t t = 0; t < n; ++t) {
    const std::vector<double> exact = dot(values, tokens[t], weight);
    const std::vector<double> approximate = dot(quantized, rounded[t], weight);
    for (std::size_t c = 0; c < exact.size(); ++c) {
      sum += (exact[c] - approximate[c]) * (exact[c] - approximate[c]);
    }
  }
  return sum / static_cast<double>(n);
}

bool scores_go_through_softmax(const ov::Node& product) {
  const ov::Node* node = &product;
  while (node->get_output_size() == 1 && node->get_output_target_inputs(0).size() == 1) {
    node = node->get_output_target_inputs(0).begin()->get_node();
    if (type_name(*node) == "Softmax") {
      return true;
    }
    if (type_name(*node) != "Add" && type_name(*node) != "Multiply") {
      return false;
    }
  }
  return false;
}

/// Whether a tensor only becomes the keys of attention: a constant added to every key adds the same to all
/// scores of a query, and softmax takes that out again.
bool is_keys(const InferenceGraph& graph, const Tensor& tensor, std::unordered_set<const ov::Node*>& seen) {
  const auto edges = graph.consumers(tensor);
  return !edges.empty() && std::ranges::all_of(edges, [&](const Edge& edge) {
    ov::Node& node = *edge.get_node();
    const std::string_view type = type_name(node);
    if (is_attention(node)) {
      return edge.get_index() == 1;
    }
    if (is_matmul(node) && graph.weights(node).empty()) {
      return edge.get_index() == 1 && scores_go_through_softmax(node);
    }
    if (type == "Assign" || !seen.insert(&node).second) {
      return true;
    }
    const bool passes = is_agnostic(node) || type == "Concat" || type == "ReadValue" ||
                        type == "FakeQuantize" || type == "Multiply";
    return passes && node.get_output_size() == 1 && is_keys(graph, node.output(0), seen);
  });
}

void add_bias(const Weight& weight, const std::vector<float>& values) {
  const Tensor output = weight.node->output(0);
  const auto readers = output.get_target_inputs();
  ov::Shape shape(static_cast<std::size_t>(output.get_partial_shape().rank().get_length()), 1);
  shape.back() = values.size();
  const auto constant = ov::op::v0::Constant::create(output.get_element_type(), shape, values);
  constant->set_friendly_name(weight.node->get_friendly_name() + "/corrected_bias");
  const auto add = std::make_shared<ov::op::v1::Add>(output, constant);
  add->set_friendly_name(weight.node->get_friendly_name() + "/bias_correction");
  add->output(0).add_names(output.get_names());
  weight.node->output(0).set_names({});
  for (Edge reader : readers) {
    reader.replace_source_output(add->output(0));
  }
}

/// Looks at one layer.
class Corrector {
 public:
  Corrector(const InferenceGraph& graph,
            const StatisticsMap& statistics,
            const Weight& weight,
            std::span<const float> values,
            const QuantizedWeight& quantized)
      : graph_(graph), weight_(weight), values_(values), quantized_(quantized) {
    shift_ = weight_shift(statistics, weight, values, quantized, MeanOutput::from_mean_input, reason_);
    if (!shift_.empty()) {
      add_shift_of_input(*linear_input(statistics, weight, reason_));
    }
  }

  ChannelShift of(Bias bias) {
    if (!shift_.empty() && ov::shape_size(bias.constant->get_shape()) != shift_.size()) {
      reason_ = "the bias is not one value for each output channel";
    }
    if (reason_.empty() && n_kept_ == 0) {
      reason_ = "no channel's error would fall";
    }
    return take(std::move(bias));
  }

  /// Of a layer without a bias.
  std::optional<ChannelShift> of_none() {
    std::unordered_set<const ov::Node*> seen;
    if (tokens_.empty() || n_kept_ == 0 || !is_matmul(*weight_.node)) {
      return std::nullopt;
    }
    if (is_keys(graph_, weight_.node->output(0), seen)) {
      reason_ = "a constant added to all keys does not change attention";
      return take(std::nullopt);
    }
    double gain = 0.0;
    for (const float s : shift_) {
      gain += static_cast<double>(s * s);
    }
    if (gain < kWorthwhile * squared_error(weight_, values_, quantized_, tokens_, rounded_)) {
      reason_ = "a bias of its own would take away little of the error";
    }
    return take(std::nullopt);
  }

 private:
  void add_shift_of_input(const TensorStatistics& observed) {
    tokens_ = observed.tokens();
    if (tokens_.empty()) {
      n_kept_ = shift_.size();
      return;
    }
    rounded_ = quantized_tokens(tokens_, weight_);
    const std::vector<double> shares = shares_of(observed.site->tokens);
    const MeanOutputs mean = mean_outputs(weight_, values_, quantized_, *observed.site,
                                          mean_of(tokens_, shares), mean_of(rounded_, shares));
    for (std::size_t c = 0; c < shift_.size(); ++c) {
      shift_[c] -= static_cast<float>(mean.quantized[c] - mean.quantized_of_exact_input[c]);
    }
    n_kept_ = keep_what_helps(shift_, mean);
  }

  ChannelShift take(std::optional<Bias> bias) {
    const bool done = reason_.empty();
    const double share =
        done ? static_cast<double>(n_kept_) / static_cast<double>(std::max<std::size_t>(shift_.size(), 1))
             : 0.0;
    return {
        std::move(shift_), std::move(bias), {kName, weight_.node->get_friendly_name(), done, reason_, share}};
  }

  const InferenceGraph& graph_;
  const Weight& weight_;
  std::span<const float> values_;
  const QuantizedWeight& quantized_;
  Tokens tokens_;
  Tokens rounded_;
  std::vector<float> shift_;
  std::size_t n_kept_ = 0;
  std::string reason_;
};

}  // namespace

std::optional<ChannelShift> channel_shift(const InferenceGraph& graph,
                                          const StatisticsMap& statistics,
                                          const Weight& weight,
                                          std::span<const float> values,
                                          const QuantizedWeight& quantized) {
  if (!is_matmul(*weight.node) && type_name(*weight.node) != "Convolution") {
    return std::nullopt;
  }
  Corrector corrector(graph, statistics, weight, values, quantized);
  if (auto bias = find_bias(graph, *weight.node)) {
    return corrector.of(*std::move(bias));
  }
  return corrector.of_none();
}

void add_channel_shift(const Weight& weight, const ChannelShift& shift) {
  if (!shift.report.done) {
    return;
  }
  if (!shift.bias) {
    add_bias(weight, shift.values);
    return;
  }
  std::vector<float> updated = shift.bias->constant->cast_vector<float>();
  std::ranges::transform(updated, shift.values, updated.begin(), std::plus<>());
  replace_bias(*shift.bias, updated);
}

}  // namespace sotto::quantize
