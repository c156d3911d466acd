#include "quantize/statistics_op.h"

#include <algorithm>
#include <array>
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

}  // namespace

StatisticsOp::StatisticsOp(const ov::Output<ov::Node>& tensor, std::int64_t axis, std::int64_t n_channels)
    : Op({tensor}), axis_(axis), n_channels_(n_channels) {
  constructor_validate_and_infer_types();
}

void StatisticsOp::validate_and_infer_types() {
  set_output_type(0, ov::element::f32, ov::Shape{3, static_cast<std::size_t>(n_channels_)});
}

std::shared_ptr<ov::Node> StatisticsOp::clone_with_new_inputs(const ov::OutputVector& inputs) const {
  return std::make_shared<StatisticsOp>(inputs.at(0), axis_, n_channels_);
}

bool StatisticsOp::visit_attributes(ov::AttributeVisitor& visitor) {
  visitor.on_attribute("axis", axis_);
  visitor.on_attribute("n_channels", n_channels_);
  return true;
}

bool StatisticsOp::evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const {
  const ov::Tensor& in = inputs[0];
  const auto n = static_cast<std::size_t>(n_channels_);
  outputs[0].set_shape({3, n});
  float* out = outputs[0].data<float>();
  const auto shape = outer_channels_inner(in.get_shape(), axis_);
  const std::size_t n_values = in.get_size();
  if (n_values != 0 && shape[1] != n) {
    return false;
  }
  Accumulator total(n);
  if (n_values == 0) {
    // nothing to see
  } else if (in.get_element_type() == ov::element::f32) {
    accumulate(in.data<const float>(), shape, total);
  } else if (in.get_element_type() == ov::element::f16) {
    const auto* half = in.data<const ov::float16>();
    accumulate(std::vector<float>(half, half + n_values).data(), shape, total);
  } else {
    return false;
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
