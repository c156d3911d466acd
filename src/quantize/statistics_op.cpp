#include "quantize/statistics_op.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include <openvino/core/attribute_visitor.hpp>

// The loops below are the cost of calibration beside the model itself. They are compiled for AVX2 too and
// chosen at load time; sanitizers cannot run such a choice.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SOTTO_AVX2_CLONE __attribute__((target_clones("avx2", "default")))
#else
#define SOTTO_AVX2_CLONE
#endif

namespace sotto::quantize {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLanes = 16;
constexpr std::size_t kRowsPerPartialSum = 64;  // f32 partial sums, added up in f64

struct Accumulator {
  explicit Accumulator(std::size_t n)
      : min(n, kInfinity), max(n, -kInfinity), partial(n, 0.0F), sum(n, 0.0) {}

  void flush() {
    for (std::size_t c = 0; c < sum.size(); ++c) {
      sum[c] += partial[c];
      partial[c] = 0.0F;
    }
  }

  std::vector<float> min;
  std::vector<float> max;
  std::vector<float> partial;
  std::vector<double> sum;
};

/// One value of each of `n` channels.
SOTTO_AVX2_CLONE void add_row(const float* __restrict x,
                              std::size_t n,
                              float* __restrict min,
                              float* __restrict max,
                              float* __restrict sum) {
  for (std::size_t c = 0; c < n; ++c) {
    min[c] = x[c] < min[c] ? x[c] : min[c];
    max[c] = x[c] > max[c] ? x[c] : max[c];
    sum[c] += x[c];
  }
}

/// `n` values of one channel.
SOTTO_AVX2_CLONE void add_values(
    const float* __restrict x, std::size_t n, float& min, float& max, double& sum) {
  float low[kLanes];
  float high[kLanes];
  float partial[kLanes];
  std::fill_n(low, kLanes, min);
  std::fill_n(high, kLanes, max);
  while (n >= kLanes) {
    std::fill_n(partial, kLanes, 0.0F);
    const std::size_t n_rows = std::min(n / kLanes, kRowsPerPartialSum);
    for (std::size_t row = 0; row < n_rows; ++row, x += kLanes) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        low[i] = x[i] < low[i] ? x[i] : low[i];
        high[i] = x[i] > high[i] ? x[i] : high[i];
        partial[i] += x[i];
      }
    }
    for (std::size_t i = 0; i < kLanes; ++i) {
      sum += partial[i];
    }
    n -= n_rows * kLanes;
  }
  for (std::size_t i = 0; i < n; ++i) {
    low[0] = x[i] < low[0] ? x[i] : low[0];
    high[0] = x[i] > high[0] ? x[i] : high[0];
    sum += x[i];
  }
  min = *std::min_element(low, low + kLanes);
  max = *std::max_element(high, high + kLanes);
}

/// x: [outer, channels, inner].
void accumulate(const float* x, const std::array<std::size_t, 3>& shape, Accumulator& to) {
  const auto [outer, channels, inner] = shape;
  for (std::size_t o = 0; o < outer; ++o) {
    if (inner == 1) {
      add_row(x, channels, to.min.data(), to.max.data(), to.partial.data());
      x += channels;
      if (o % kRowsPerPartialSum == kRowsPerPartialSum - 1) {
        to.flush();
      }
      continue;
    }
    for (std::size_t c = 0; c < channels; ++c, x += inner) {
      add_values(x, inner, to.min[c], to.max[c], to.sum[c]);
    }
  }
  to.flush();
}

std::array<std::size_t, 3> outer_channels_inner(const ov::Shape& shape, std::int64_t axis) {
  if (axis == StatisticsOp::kWholeTensor) {
    return {1, 1, ov::shape_size(shape)};
  }
  const auto at = static_cast<std::ptrdiff_t>(axis);
  return {ov::shape_size(shape.begin(), shape.begin() + at), shape[static_cast<std::size_t>(axis)],
          ov::shape_size(shape.begin() + at + 1, shape.end())};
}

/// Writes the values of `n` positions to `out` [n, channels]: which one of each part depends on the data, so
/// that over many tensors every position has its turn and the same data gives the same tokens.
void sample_tokens(const float* x, const std::array<std::size_t, 3>& shape, std::size_t n, float* out) {
  const auto [outer, channels, inner] = shape;
  const std::size_t n_positions = outer * inner;
  const std::uint64_t seed = std::bit_cast<std::uint32_t>(x[0]) * std::uint64_t{0x9E3779B97F4A7C15};
  for (std::size_t t = 0; t < n; ++t, out += channels) {
    const std::size_t first = t * n_positions / n;
    const std::size_t n_part = (t + 1) * n_positions / n - first;
    if (n_part == 0) {
      std::fill_n(out, channels, std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    const std::size_t at = first + (seed >> 32U) % n_part;
    const float* from = x + at / inner * channels * inner + at % inner;
    for (std::size_t c = 0; c < channels; ++c) {
      out[c] = from[c * inner];
    }
  }
}

/// Sets `to` to a view of the tensor's values as f32, through `buffer` if they are f16; false for other
/// types.
bool as_floats(const ov::Tensor& tensor, std::vector<float>& buffer, const float*& to) {
  if (tensor.get_element_type() == ov::element::f16) {
    const auto* half = tensor.data<const ov::float16>();
    buffer.assign(half, half + tensor.get_size());
    to = buffer.data();
    return true;
  }
  to = tensor.get_element_type() == ov::element::f32 ? tensor.data<const float>() : nullptr;
  return to != nullptr;
}

}  // namespace

StatisticsOp::StatisticsOp(const ov::Output<ov::Node>& tensor,
                           std::int64_t axis,
                           std::int64_t n_channels,
                           std::int64_t n_tokens)
    : Op({tensor}), axis_(axis), n_channels_(n_channels), n_tokens_(n_tokens) {
  constructor_validate_and_infer_types();
}

void StatisticsOp::validate_and_infer_types() {
  set_output_type(0, ov::element::f32, ov::PartialShape{3 + n_tokens_, n_channels_});
}

std::shared_ptr<ov::Node> StatisticsOp::clone_with_new_inputs(const ov::OutputVector& inputs) const {
  return std::make_shared<StatisticsOp>(inputs.at(0), axis_, n_channels_, n_tokens_);
}

bool StatisticsOp::visit_attributes(ov::AttributeVisitor& visitor) {
  visitor.on_attribute("axis", axis_);
  visitor.on_attribute("n_channels", n_channels_);
  visitor.on_attribute("n_tokens", n_tokens_);
  return true;
}

bool StatisticsOp::evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const {
  const auto n = static_cast<std::size_t>(n_channels_);
  const auto n_tokens = static_cast<std::size_t>(n_tokens_);
  const std::size_t n_values = inputs[0].get_size();
  const auto shape = outer_channels_inner(inputs[0].get_shape(), axis_);
  outputs[0].set_shape({3 + n_tokens, n});
  float* out = outputs[0].data<float>();
  Accumulator total(n);
  std::fill_n(out + 3 * n, n_tokens * n, std::numeric_limits<float>::quiet_NaN());
  if (n_values != 0) {
    std::vector<float> buffer;
    const float* x = nullptr;
    if (shape[1] != n || !as_floats(inputs[0], buffer, x)) {
      return false;
    }
    accumulate(x, shape, total);
    sample_tokens(x, shape, n_tokens, out + 3 * n);
  }
  const double per_channel = static_cast<double>(std::max<std::size_t>(n_values / n, 1));
  for (std::size_t c = 0; c < n; ++c) {
    out[c] = total.min[c];
    out[n + c] = total.max[c];
    out[2 * n + c] = static_cast<float>(total.sum[c] / per_channel);
  }
  return true;
}

}  // namespace sotto::quantize
