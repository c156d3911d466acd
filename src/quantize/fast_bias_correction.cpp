#include "quantize/fast_bias_correction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <openvino/op/convert.hpp>
#include <openvino/op/convolution.hpp>

#include "quantize/op_table.h"

namespace sotto::quantize {
namespace {

constexpr const char* kName = "fast_bias_correction";

std::vector<float> scaled_mean(const TensorStatistics& tensor) {
  std::vector<float> mean = tensor.site->mean();
  for (std::size_t c = 0; c < tensor.scale.size(); ++c) {
    mean[c] *= tensor.scale[c];
  }
  return mean;
}

/// For each kernel tap along one axis the share of output positions at which it meets data, not padding.
std::vector<double> tap_shares(const ov::op::v1::Convolution& conv,
                               std::size_t axis,
                               std::int64_t n_in,
                               std::size_t n_taps) {
  const auto stride = static_cast<std::int64_t>(conv.get_strides()[axis]);
  const auto dilation = static_cast<std::int64_t>(conv.get_dilations()[axis]);
  const std::int64_t before = conv.get_pads_begin()[axis];
  const std::int64_t reach = static_cast<std::int64_t>(n_taps - 1) * dilation + 1;
  const std::int64_t n_out = (n_in + before + conv.get_pads_end()[axis] - reach) / stride + 1;
  std::vector<double> shares;
  for (std::size_t tap = 0; tap < n_taps; ++tap) {
    std::int64_t inside = 0;
    for (std::int64_t t = 0; t < n_out; ++t) {
      const std::int64_t at = t * stride - before + static_cast<std::int64_t>(tap) * dilation;
      inside += at >= 0 && at < n_in ? 1 : 0;
    }
    shares.push_back(static_cast<double>(inside) / static_cast<double>(std::max<std::int64_t>(n_out, 1)));
  }
  return shares;
}

/// [input channels, kernel taps]: what each weight of an output channel is multiplied with on average.
std::vector<float> mean_of_taps(const Weight& weight,
                                const std::vector<float>& mean,
                                const std::vector<std::int64_t>& input_shape) {
  const auto& conv = dynamic_cast<const ov::op::v1::Convolution&>(*weight.node);
  std::vector<double> shares = {1.0};
  for (std::size_t axis = 2; axis < weight.shape.size(); ++axis) {
    std::vector<double> next;
    for (const double outer : shares) {
      for (const double inner : tap_shares(conv, axis - 2, input_shape[axis], weight.shape[axis])) {
        next.push_back(outer * inner);
      }
    }
    shares = std::move(next);
  }
  std::vector<float> taps;
  for (const float m : mean) {
    for (const double share : shares) {
      taps.push_back(static_cast<float>(static_cast<double>(m) * share));
    }
  }
  return taps;
}

/// |shift / bias| of the worst channel; infinite if a bias is exactly 0.
double magnitude(const std::vector<float>& bias, const std::vector<float>& shift) {
  double worst = 0.0;
  for (std::size_t c = 0; c < bias.size(); ++c) {
    if (bias[c] == 0.0F) {
      return std::numeric_limits<double>::infinity();
    }
    const float updated = bias[c] + shift[c];
    worst = std::max(worst, static_cast<double>(std::abs((updated - bias[c]) / bias[c])));
  }
  return worst;
}

}  // namespace

Tensor observed_input(const Weight& weight) {
  const Tensor input = weight.node->input_value(1 - weight.port);
  return type_name(*input.get_node()) == "FakeQuantize" ? input.get_node()->input_value(0) : input;
}

std::vector<float> as_operand(const Weight& weight, std::vector<float> mean, const SiteStatistics& observed) {
  return is_matmul(*weight.node) ? std::move(mean) : mean_of_taps(weight, mean, observed.first_shape);
}

const TensorStatistics* linear_input(const StatisticsMap& statistics,
                                     const Weight& weight,
                                     std::string& reason) {
  const Tensor input = observed_input(weight);
  const auto rank = static_cast<std::size_t>(input.get_partial_shape().rank().get_length());
  const std::size_t axis = activation_channel_axis(*weight.node, 1 - weight.port, rank);
  const TensorStatistics* observed = statistics.along(input, axis);
  if (observed == nullptr || observed->site->n_samples == 0) {
    reason = "nothing was observed";
    return nullptr;
  }
  if (is_matmul(*weight.node) && (weight.port != 1 || weight.shape.size() != 2 || axis + 1 != rank)) {
    reason = "the layer is not activation [.., channels] times a matrix";
    return nullptr;
  }
  return observed;
}

std::vector<float> weight_shift(const StatisticsMap& statistics,
                                const Weight& weight,
                                std::span<const float> values,
                                const QuantizedWeight& quantized,
                                MeanOutput mean_output,
                                std::string& reason) {
  const TensorStatistics* observed = linear_input(statistics, weight, reason);
  if (observed == nullptr) {
    return {};
  }
  const std::vector<float> mean = as_operand(weight, scaled_mean(*observed), *observed->site);
  std::vector<double> exact;
  if (is_matmul(*weight.node) || mean_output == MeanOutput::from_mean_input) {
    exact = dot(values, mean, weight);
  } else {
    const TensorStatistics* output = statistics.along(weight.node->output(0), 1);
    if (output == nullptr) {
      reason = "nothing was observed";
      return {};
    }
    const std::vector<float> measured = output->site->mean();
    exact.assign(measured.begin(), measured.end());
  }
  const std::vector<double> approximate = dot(quantized, mean, weight);
  std::vector<float> shift;
  for (std::size_t c = 0; c < exact.size(); ++c) {
    shift.push_back(static_cast<float>(exact[c] - approximate[c]));
  }
  return shift;
}

void replace_bias(const Bias& bias, const std::vector<float>& values) {
  const auto type = bias.constant->get_element_type();
  const auto constant = ov::op::v0::Constant::create(type, bias.constant->get_shape(), values);
  constant->set_friendly_name(bias.constant->get_friendly_name());
  std::shared_ptr<ov::Node> source = constant;
  const auto operand = bias.add->get_input_node_shared_ptr(bias.port);
  if (operand.get() != bias.constant.get()) {
    source = operand->clone_with_new_inputs({constant});
    source->set_friendly_name(operand->get_friendly_name());
    source->get_rt_info() = operand->get_rt_info();
  }
  bias.add->input(bias.port).replace_source_output(source);
}

bool is_bias_correctable(const InferenceGraph& graph, const Weight& weight) {
  const std::string_view type = type_name(*weight.node);
  return (type == "MatMul" || type == "Convolution") && find_bias(graph, *weight.node);
}

StepReport correct_bias(const InferenceGraph& graph,
                        const Weight& weight,
                        const std::vector<float>& shift,
                        std::string reason,
                        double threshold) {
  StepReport report{kName, weight.node->get_friendly_name(), false, std::move(reason), 0.0};
  if (shift.empty()) {
    return report;
  }
  const Bias bias = *find_bias(graph, *weight.node);
  std::vector<float> updated = bias.constant->cast_vector<float>();
  if (updated.size() != shift.size()) {
    report.reason = "the bias is not one value for each output channel";
    return report;
  }
  report.value = magnitude(updated, shift);
  if (!(report.value < threshold)) {
    report.reason = std::isinf(report.value) ? "a bias is exactly 0" : "the shift is too large for the bias";
    return report;
  }
  for (std::size_t c = 0; c < shift.size(); ++c) {
    updated[c] += shift[c];
  }
  replace_bias(bias, updated);
  report.done = true;
  return report;
}

}  // namespace sotto::quantize
