#include "quantize/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/parallel.h"
#include "quantize/half.h"
#include "quantize/min_max.h"
#include "quantize/op_table.h"
#include "quantize/rounding.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

constexpr float kMinRange = 8e-5F;
constexpr float kMinRelativeRange = 0.01F;  // of the widest channel

/// A run of values along the last axis: all of one channel (step 0), or of channels that follow each other.
struct Row {
  std::size_t first = 0;
  std::size_t size = 0;
  std::size_t channel = 0;
  std::size_t step = 0;
};

/// Calls f(row) for each row; channels count the indices along `axes` in row-major order.
template <typename F>
void for_each_row(const ov::Shape& shape, const std::vector<std::size_t>& axes, F&& f) {
  std::vector<std::size_t> steps(shape.size(), 0);  // of the channel, when an index of an axis grows by one
  std::size_t n_channels = 1;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    steps[*axis] = n_channels;
    n_channels *= shape[*axis];
  }
  const std::size_t n_row = shape.empty() ? 1 : shape.back();
  std::vector<std::size_t> index(shape.size(), 0);
  Row row{0, n_row, 0, shape.empty() ? 0 : steps.back()};
  for (; row.first < ov::shape_size(shape); row.first += n_row) {
    f(row);
    for (std::size_t axis = shape.empty() ? 0 : shape.size() - 1; axis-- > 0;) {
      row.channel += steps[axis];
      if (++index[axis] < shape[axis]) {
        break;
      }
      row.channel -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

std::vector<std::size_t> other_axes(const Weight& weight) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < weight.shape.size(); ++axis) {
    if (std::ranges::find(weight.channel_axes, axis) == weight.channel_axes.end()) {
      axes.push_back(axis);
    }
  }
  return axes;
}

ov::Shape range_shape(const Weight& weight) {
  ov::Shape shape(weight.shape.size(), 1);
  for (const std::size_t axis : weight.channel_axes) {
    shape[axis] = weight.shape[axis];
  }
  return shape;
}

float max_abs_of(const float* x, std::size_t n) {
  constexpr std::size_t kLanes = 16;
  float most[kLanes] = {};
  for (; n >= kLanes; n -= kLanes, x += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      most[i] = std::max(most[i], std::abs(x[i]));
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    most[i] = std::max(most[i], std::abs(x[i]));
  }
  return *std::max_element(most, most + kLanes);
}

/// The smallest and the largest value of each channel.
Extremes extremes(std::span<const float> values, const Weight& weight, const std::vector<std::size_t>& axes) {
  std::size_t n = 1;
  for (const std::size_t axis : axes) {
    n *= weight.shape[axis];
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Extremes e{std::vector<float>(n, kInfinity), std::vector<float>(n, -kInfinity), {}};
  for_each_row(weight.shape, axes, [&](const Row& row) {
    for (std::size_t i = 0; i < row.size; ++i) {
      const float x = values[row.first + i];
      const std::size_t channel = row.channel + i * row.step;
      e.min[channel] = std::min(e.min[channel], x);
      e.max[channel] = std::max(e.max[channel], x);
    }
  });
  return e;
}

std::vector<float> max_abs(std::span<const float> values,
                           const ov::Shape& shape,
                           const std::vector<std::size_t>& axes) {
  std::size_t n = 1;
  for (const std::size_t axis : axes) {
    n *= shape[axis];
  }
  std::vector<float> widest(n, 0.0F);
  for_each_row(shape, axes, [&](const Row& row) {
    const float* x = values.data() + row.first;
    float* to = widest.data() + row.channel;
    if (row.step == 0) {
      *to = std::max(*to, max_abs_of(x, row.size));
      return;
    }
    for (std::size_t i = 0; i < row.size; ++i) {
      to[i] = std::max(to[i], std::abs(x[i]));
    }
  });
  return widest;
}

SOTTO_AVX2_CLONE void from_halves(const std::uint16_t* __restrict halves,
                                  std::size_t n,
                                  float* __restrict to) {
  for (std::size_t i = 0; i < n; ++i) {
    to[i] = from_half_bits(halves[i]);
  }
}

SOTTO_AVX2_CLONE void round_to_halves(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = saturate_to_half(x[i]);
  }
}

std::vector<float> values_of(const ov::op::v0::Constant& constant) {
  if (constant.get_element_type() != ov::element::f16) {
    return constant.cast_vector<float>();
  }
  std::vector<float> values(ov::shape_size(constant.get_shape()));
  from_halves(static_cast<const std::uint16_t*>(constant.get_data_ptr()), values.size(), values.data());
  return values;
}

bool is_finite(const ov::op::v0::Constant& constant) {
  const std::size_t n = ov::shape_size(constant.get_shape());
  if (constant.get_element_type() == ov::element::f16) {
    const auto* halves = static_cast<const std::uint16_t*>(constant.get_data_ptr());
    return std::none_of(halves, halves + n, [](std::uint16_t half) { return (half & 0x7C00U) == 0x7C00U; });
  }
  const std::vector<float> values = constant.cast_vector<float>();
  return std::ranges::all_of(values, [](float x) { return std::isfinite(x); });
}

std::int8_t to_integer(float x, float low, float high, float n_steps, float lowest) {
  const float step = round_to_even((x - low) / (high - low) * n_steps);
  return static_cast<std::int8_t>(std::clamp(step, 0.0F, n_steps) + lowest);
}

/// Where every integer less its zero point is an i8 too, does without zero points.
/// Source: OpenVINO 2026.4, ZeroPointOptimizer.
void fold_zero_points(QuantizedWeight& quantized, const Weight& weight) {
  if (std::ranges::all_of(quantized.zero_point, [](float z) { return z == 0.0F; })) {
    return;
  }
  std::vector<std::int8_t> shifted(quantized.integers.size());
  bool fits = true;
  for_each_row(weight.shape, weight.channel_axes, [&](const Row& row) {
    for (std::size_t i = 0; i < row.size; ++i) {
      const auto zero_point = static_cast<int>(quantized.zero_point[row.channel + i * row.step]);
      const int value = quantized.integers[row.first + i] - zero_point;
      shifted[row.first + i] = static_cast<std::int8_t>(value);
      fits = fits && value >= -128 && value <= 127;
    }
  });
  if (fits) {
    quantized.integers = std::move(shifted);
    std::ranges::fill(quantized.zero_point, 0.0F);
  }
}

constexpr std::size_t kLanes = 16;

SOTTO_AVX2_CLONE double sum_of_products(const float* __restrict x, const float* __restrict y, std::size_t n) {
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += static_cast<double>(x[i + lane]) * static_cast<double>(y[i + lane]);
    }
  }
  for (; i < n; ++i) {
    lanes[0] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  return std::accumulate(lanes, lanes + kLanes, 0.0);
}

/// f32 values of a weight.
struct FloatValues {
  std::span<const float> values;

  const float* row(std::size_t first, std::size_t /*n*/, std::size_t /*channel*/) { return &values[first]; }
  float at(std::size_t i, std::size_t /*channel*/) const { return values[i]; }
};

/// The values that integers stand for.
struct IntegerValues {
  const QuantizedWeight& quantized;
  std::vector<float> buffer;

  const float* row(std::size_t first, std::size_t n, std::size_t channel) {
    buffer.resize(n);
    const std::int8_t* integers = quantized.integers.data() + first;
    for (std::size_t i = 0; i < n; ++i) {
      buffer[i] =
          (static_cast<float>(integers[i]) - quantized.zero_point[channel]) * quantized.scale[channel];
    }
    return buffer.data();
  }
  float at(std::size_t i, std::size_t channel) const {
    return (static_cast<float>(quantized.integers[i]) - quantized.zero_point[channel]) *
           quantized.scale[channel];
  }
};

template <typename Values>
std::vector<double> dot_rows(const Weight& weight, std::span<const float> input, Values values) {
  std::vector<double> sums(ov::shape_size(range_shape(weight)), 0.0);
  // Rows of the output channels and of the inputs run over the same values.
  std::vector<Row> inputs;
  for_each_row(weight.shape, other_axes(weight), [&](const Row& row) { inputs.push_back(row); });
  auto in = inputs.begin();
  for_each_row(weight.shape, weight.channel_axes, [&](const Row& row) {
    const float* x = input.data() + in->channel;
    if (row.step == 0 && in->step == 1) {
      sums[row.channel] += sum_of_products(values.row(row.first, row.size, row.channel), x, row.size);
    } else {
      for (std::size_t i = 0; i < row.size; ++i) {
        const std::size_t channel = row.channel + i * row.step;
        sums[channel] +=
            static_cast<double>(values.at(row.first + i, channel)) * static_cast<double>(x[i * in->step]);
      }
    }
    ++in;
  });
  return sums;
}

}  // namespace

std::vector<float> weight_values(const Weight& weight, std::span<const float> input_scale) {
  std::vector<float> values = values_of(*weight.constant);
  if (input_scale.empty()) {
    return values;
  }
  for_each_row(weight.shape, {*weight.input_axis}, [&](const Row& row) {
    float* x = values.data() + row.first;
    const float* scale = input_scale.data() + row.channel;
    for (std::size_t i = 0; i < row.size; ++i) {
      x[i] *= scale[i * row.step];
    }
  });
  if (weight.constant->get_element_type() == ov::element::f16) {
    round_to_halves(values.data(), values.size());
  }
  return values;
}

std::vector<float> max_abs_along(std::span<const float> values, const ov::Shape& shape, std::size_t axis) {
  return max_abs(values, shape, {axis});
}

std::vector<float> sum_squares_along(std::span<const float> values,
                                     const ov::Shape& shape,
                                     std::size_t axis) {
  std::vector<float> sums(shape[axis], 0.0F);
  for_each_row(shape, {axis}, [&](const Row& row) {
    const float* x = values.data() + row.first;
    float* to = sums.data() + row.channel;
    for (std::size_t i = 0; i < row.size; ++i) {
      to[i * row.step] += x[i] * x[i];
    }
  });
  return sums;
}

WeightRange weight_range(std::span<const float> values, const Weight& weight, const WeightScheme& scheme) {
  const std::vector<std::size_t> axes = scheme.per_channel ? weight.channel_axes : std::vector<std::size_t>{};
  WeightRange range;
  range.shape = scheme.per_channel ? range_shape(weight) : ov::Shape{};
  if (!scheme.symmetric) {
    const Extremes e = extremes(values, weight, axes);
    auto [low, high] = asymmetric_range(e.min, e.max);
    range.low = std::move(low);
    range.high = std::move(high);
    range.levels = 256;
    return range;
  }
  range.high = max_abs(values, weight.shape, axes);
  const float floor = std::max(*std::ranges::max_element(range.high) * kMinRelativeRange, kMinRange);
  for (float& h : range.high) {
    h = std::max(h, floor) * (scheme.half_range ? 2.0F : 1.0F);
    range.low.push_back(-h);
  }
  return range;
}

QuantizedWeight quantize_weight(std::span<const float> values,
                                const Weight& weight,
                                const WeightRange& range) {
  const float n_steps = static_cast<float>(range.levels - 1);
  const float lowest = -std::floor(static_cast<float>(range.levels) / 2.0F);
  QuantizedWeight quantized;
  quantized.integers.resize(values.size());
  const std::size_t n_channels = ov::shape_size(range_shape(weight));
  const bool is_per_channel = range.high.size() == n_channels;
  for (std::size_t c = 0; c < n_channels; ++c) {
    const float low = range.low[is_per_channel ? c : 0];
    const float scale = (range.high[is_per_channel ? c : 0] - low) / n_steps;
    quantized.scale.push_back(scale);
    quantized.zero_point.push_back(round_to_even(-low / scale) + lowest);
  }
  const std::vector<std::size_t> axes = is_per_channel ? weight.channel_axes : std::vector<std::size_t>{};
  for_each_row(weight.shape, axes, [&](const Row& row) {
    const float* x = values.data() + row.first;
    std::int8_t* q = quantized.integers.data() + row.first;
    const float* low = range.low.data() + row.channel;
    const float* high = range.high.data() + row.channel;
    if (row.step == 0) {
      for (std::size_t i = 0; i < row.size; ++i) {
        q[i] = to_integer(x[i], *low, *high, n_steps, lowest);
      }
      return;
    }
    for (std::size_t i = 0; i < row.size; ++i) {
      q[i] = to_integer(x[i], low[i], high[i], n_steps, lowest);
    }
  });
  fold_zero_points(quantized, weight);
  return quantized;
}

double sqnr_db(std::span<const float> values, const Weight& weight, const QuantizedWeight& quantized) {
  double signal = 0.0;
  double noise = 0.0;
  for_each_row(weight.shape, weight.channel_axes, [&](const Row& row) {
    float row_signal = 0.0F;
    float row_noise = 0.0F;
    for (std::size_t i = 0; i < row.size; ++i) {
      const float x = values[row.first + i];
      const float scale = quantized.scale[row.channel + i * row.step];
      const float zero_point = quantized.zero_point[row.channel + i * row.step];
      const float error = x - (static_cast<float>(quantized.integers[row.first + i]) - zero_point) * scale;
      row_signal += x * x;
      row_noise += error * error;
    }
    signal += static_cast<double>(row_signal);
    noise += static_cast<double>(row_noise);
  });
  return 10.0 * std::log10(signal / noise);
}

std::vector<double> dot(std::span<const float> values, std::span<const float> input, const Weight& weight) {
  return dot_rows(weight, input, FloatValues{values});
}

std::vector<double> dot(const QuantizedWeight& quantized,
                        std::span<const float> input,
                        const Weight& weight) {
  return dot_rows(weight, input, IntegerValues{quantized, {}});
}

void refuse_quantized_model(const InferenceGraph& graph) {
  for (const auto& node : graph.nodes()) {
    const std::string_view type = type_name(*node);
    bool quantized = type == "FakeQuantize" || type == "FakeConvert";
    if (type == "Convert" && type_name(*node->get_input_node_ptr(0)) == "Constant") {
      const auto from = node->get_input_element_type(0);
      quantized =
          node->get_output_element_type(0).is_real() && from.is_integral_number() && from.bitwidth() <= 8;
    }
    if (quantized) {
      throw Error(
          ErrorCode::bad_format, node->get_friendly_name(),
          fmt::format("expected a floating-point model, found {} of an already quantized one.", type));
    }
  }
}

void refuse_weights_not_finite(const InferenceGraph& graph) {
  std::vector<const Weight*> weights;
  for (const auto& node : graph.nodes()) {
    for (const Weight& weight : graph.weights(*node)) {
      weights.push_back(&weight);
    }
  }
  parallel_each(weights.size(), kMaxThreads, [&](std::size_t i) {
    if (!is_finite(*weights[i]->constant)) {
      throw Error(ErrorCode::bad_format, weights[i]->node->get_friendly_name(),
                  fmt::format("expected finite weights, found a value that is not finite in {}.",
                              weights[i]->constant->get_friendly_name()));
    }
  });
}

}  // namespace sotto::quantize
