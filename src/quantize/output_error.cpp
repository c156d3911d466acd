#include "quantize/output_error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/transpose.hpp>

#include "quantize/fast_bias_correction.h"
#include "quantize/rounding.h"

namespace sotto::quantize {
namespace {

constexpr std::size_t kTokens = 16;
constexpr std::size_t kChannels = 256;

using Row = std::array<float, kTokens>;  // a value for each token

/// Input channels of the tokens, as they are and as they are rounded.
struct Inputs {
  std::vector<Row> exact;
  std::vector<Row> rounded;
};

Inputs inputs_of(std::span<const std::vector<float>> tokens,
                 std::size_t n_channels,
                 const std::optional<TensorRange>& range) {
  Inputs inputs{std::vector<Row>(n_channels, Row{}), std::vector<Row>(n_channels, Row{})};
  const std::size_t n = std::min(tokens.size(), kTokens);
  for (std::size_t t = 0; t < n; ++t) {
    const std::vector<float>& token = tokens[t * tokens.size() / n];
    for (std::size_t c = 0; c < n_channels; ++c) {
      inputs.exact[c][t] = token[c];
    }
  }
  inputs.rounded = inputs.exact;
  if (range) {
    const Levels levels(range->low, range->high);
    for (Row& row : inputs.rounded) {
      std::transform(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(n), row.begin(), levels);
    }
  }
  return inputs;
}

/// The weights of one output channel, `stride` apart.
struct ChannelWeights {
  const float* values;
  const std::int8_t* integers;
  std::size_t stride;
  float scale;
  float zero_point;
};

/// Adds what they make of the inputs.
SOTTO_AVX2_CLONE void add_products(const ChannelWeights& w, const Inputs& inputs, Row& exact, Row& error) {
  for (std::size_t input = 0; input < inputs.exact.size(); ++input) {
    const float* x = inputs.exact[input].data();
    const float* rounded = inputs.rounded[input].data();
    const float value = w.values[input * w.stride];
    const float integer = w.scale * (static_cast<float>(w.integers[input * w.stride]) - w.zero_point);
    for (std::size_t t = 0; t < kTokens; ++t) {
      const float y = value * x[t];
      exact[t] += y;
      error[t] += y - integer * rounded[t];
    }
  }
}

/// Where the values of one output channel and one input channel stand, beside the first of them.
std::vector<std::size_t> tap_offsets(const Weight& weight, const std::vector<std::size_t>& strides) {
  std::vector<std::size_t> offsets = {0};
  for (std::size_t axis = 0; axis < weight.shape.size(); ++axis) {
    if (axis == *weight.input_axis || axis == weight.channel_axes.front()) {
      continue;
    }
    std::vector<std::size_t> wider;
    for (std::size_t i = 0; i < weight.shape[axis]; ++i) {
      for (const std::size_t offset : offsets) {
        wider.push_back(offset + i * strides[axis]);
      }
    }
    offsets = std::move(wider);
  }
  return offsets;
}

bool has_tokens_of(const TensorStatistics* tensor, const Weight& weight) {
  return tensor != nullptr && tensor->site->n_samples > 0 && !tensor->site->tokens.empty() &&
         weight.channel_axes.size() == 1 && tensor->site->site.n_channels == weight.shape[*weight.input_axis];
}

/// The range of the FakeQuantize above a layer's input, through what only moves values.
std::optional<TensorRange> range_above(ov::Output<ov::Node> value) {
  while (ov::is_type<ov::op::v1::Reshape>(value.get_node()) ||
         ov::is_type<ov::op::v1::Transpose>(value.get_node())) {
    value = value.get_node()->input_value(0);
  }
  const auto* fq = ov::as_type<ov::op::v0::FakeQuantize>(value.get_node());
  if (fq == nullptr) {
    return std::nullopt;
  }
  const auto bound = [&](std::size_t port) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(fq->get_input_node_shared_ptr(port));
    return constant && ov::shape_size(constant->get_shape()) == 1
               ? std::optional(constant->cast_vector<float>().front())
               : std::nullopt;
  };
  const auto low = bound(1);
  const auto high = bound(2);
  return low && high ? std::optional(TensorRange{*low, *high}) : std::nullopt;
}

}  // namespace

double output_sqnr_db(const Weight& weight,
                      std::span<const float> values,
                      const QuantizedWeight& quantized,
                      std::span<const std::vector<float>> tokens,
                      const std::optional<TensorRange>& range) {
  const std::size_t n_inputs = weight.shape[*weight.input_axis];
  const std::size_t n_outputs = weight.shape[weight.channel_axes.front()];
  const Inputs inputs = inputs_of(tokens, n_inputs, range);
  const std::vector<std::size_t> strides = ov::row_major_strides(weight.shape);
  const std::vector<std::size_t> taps = tap_offsets(weight, strides);
  const std::size_t every = (n_outputs + kChannels - 1) / kChannels;
  double signal = 0.0;
  double noise = 0.0;
  for (std::size_t channel = 0; channel < n_outputs; channel += every) {
    Row exact{};
    Row error{};
    const std::size_t first = channel * strides[weight.channel_axes.front()];
    for (const std::size_t tap : taps) {
      add_products({values.data() + first + tap, quantized.integers.data() + first + tap,
                    strides[*weight.input_axis], quantized.scale[channel], quantized.zero_point[channel]},
                   inputs, exact, error);
    }
    for (std::size_t t = 0; t < kTokens; ++t) {
      signal += static_cast<double>(exact[t]) * static_cast<double>(exact[t]);
      noise += static_cast<double>(error[t]) * static_cast<double>(error[t]);
    }
  }
  return noise > 0.0 && signal > 0.0 ? 10.0 * std::log10(signal / noise)
                                     : std::numeric_limits<double>::infinity();
}

StepReport output_error(const StatisticsMap& statistics,
                        const Weight& weight,
                        std::span<const float> values,
                        const QuantizedWeight& quantized) {
  StepReport report{"output_error", weight.node->get_friendly_name(), true, {}, 0.0};
  if (!weight.input_axis || weight.node->get_input_size() < 2) {
    report.value = sqnr_db(values, weight, quantized);
    return report;
  }
  const std::size_t port = 1 - weight.port;
  const Tensor observed = observed_input(weight);
  const auto rank = observed.get_partial_shape().rank();
  const TensorStatistics* tensor =
      rank.is_static()
          ? statistics.along(observed, activation_channel_axis(*weight.node, port,
                                                               static_cast<std::size_t>(rank.get_length())))
          : nullptr;
  if (!has_tokens_of(tensor, weight)) {
    report.reason = "of the weight alone: no tokens were kept of its input";
    report.value = sqnr_db(values, weight, quantized);
    return report;
  }
  report.value = output_sqnr_db(weight, values, quantized, tensor->tokens(),
                                range_above(weight.node->input_value(port)));
  return report;
}

}  // namespace sotto::quantize
