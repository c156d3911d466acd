#include "quantize/statistics_op.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <openvino/core/attribute_visitor.hpp>

#include "core/parallel.h"
#include "quantize/rounding.h"

namespace sotto::quantize {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kLanes = 16;
constexpr std::size_t kRowsPerPartialSum = 64;  // f32 partial sums, added up in f64
constexpr std::size_t kParts = 4;
constexpr std::size_t kLeastPart = std::size_t{1} << 16U;  // values worth a thread

struct Accumulator {
  explicit Accumulator(std::size_t n)
      : min(n, kInfinity), max(n, -kInfinity), partial(n, 0.0F), sum(n, 0.0) {}

  void flush() {
    for (std::size_t c = 0; c < sum.size(); ++c) {
      sum[c] += partial[c];
      partial[c] = 0.0F;
    }
  }

  void add(const Accumulator& other) {
    for (std::size_t c = 0; c < sum.size(); ++c) {
      min[c] = std::min(min[c], other.min[c]);
      max[c] = std::max(max[c], other.max[c]);
      sum[c] += other.sum[c];
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
void accumulate_part(const float* x, const std::array<std::size_t, 3>& shape, Accumulator& to) {
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

/// The same, the larger ones in parts at the same time. Where they are cut does not depend on the machine.
void accumulate(const float* x, const std::array<std::size_t, 3>& shape, Accumulator& to) {
  const auto [outer, channels, inner] = shape;
  const bool is_whole = outer == 1 && channels == 1;
  const std::size_t n_rows = is_whole ? inner : outer;
  const std::size_t n_row = is_whole ? 1 : channels * inner;
  if (n_rows * n_row < kParts * kLeastPart || n_rows < kParts) {
    accumulate_part(x, shape, to);
    return;
  }
  std::vector<Accumulator> parts(kParts, Accumulator(channels));
  parallel_each(kParts, kParts, [&](std::size_t i) {
    const std::size_t first = n_rows * i / kParts;
    const std::size_t n = n_rows * (i + 1) / kParts - first;
    accumulate_part(x + first * n_row,
                    is_whole ? std::array{shape[0], shape[1], n} : std::array{n, channels, inner}, parts[i]);
  });
  for (const Accumulator& part : parts) {
    to.add(part);
  }
}

std::array<std::size_t, 3> outer_channels_inner(const ov::Shape& shape, std::int64_t axis) {
  if (axis == StatisticsOp::kWholeTensor) {
    return {1, 1, ov::shape_size(shape)};
  }
  const auto at = static_cast<std::ptrdiff_t>(axis);
  return {ov::shape_size(shape.begin(), shape.begin() + at), shape[static_cast<std::size_t>(axis)],
          ov::shape_size(shape.begin() + at + 1, shape.end())};
}

/// Sum over channels of (x - mean)^2 * weight.
SOTTO_AVX2_CLONE float distance(const float* __restrict x,
                                const float* __restrict mean,
                                const float* __restrict weight,
                                std::size_t n) {
  float lanes[kLanes] = {};
  std::size_t c = 0;
  for (; c + kLanes <= n; c += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const float d = x[c + i] - mean[c + i];
      lanes[i] += d * d * weight[c + i];
    }
  }
  for (; c < n; ++c) {
    lanes[0] += (x[c] - mean[c]) * (x[c] - mean[c]) * weight[c];
  }
  return std::accumulate(lanes, lanes + kLanes, 0.0F);
}

/// How far each position is from the tensor's mean, channels counted in units of their ranges.
std::vector<float> distances(const float* x,
                             const std::array<std::size_t, 3>& shape,
                             const Accumulator& total) {
  const auto [outer, channels, inner] = shape;
  const auto n_positions = static_cast<double>(outer * inner);
  std::vector<float> mean;
  std::vector<float> weight;
  for (std::size_t c = 0; c < channels; ++c) {
    const float range = total.max[c] - total.min[c];
    mean.push_back(static_cast<float>(total.sum[c] / n_positions));
    weight.push_back(range > 0.0F ? 1.0F / (range * range) : 0.0F);
  }
  std::vector<float> far(outer * inner, 0.0F);
  if (inner == 1) {
    parallel_chunks(outer, kLeastPart / channels + 1, kParts, [&](std::size_t first, std::size_t last) {
      for (std::size_t o = first; o < last; ++o) {
        far[o] = distance(x + o * shape[1], mean.data(), weight.data(), shape[1]);
      }
    });
    return far;
  }
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t c = 0; c < channels; ++c) {
      const float* row = x + (o * channels + c) * inner;
      for (std::size_t i = 0; i < inner; ++i) {
        far[o * inner + i] += (row[i] - mean[c]) * (row[i] - mean[c]) * weight[c];
      }
    }
  }
  return far;
}

/// A position, and how many it stands for.
struct Choice {
  std::size_t at = 0;
  float n_positions = 1.0F;
};

/// Chooses `n` positions, all if there are not more. Half of the chances are even, half go with the distance
/// from the mean: of 30 s with one sentence in them, silence would else be nearly all. Where the first falls
/// depends on the data, so the same data gives the same positions.
std::vector<Choice> choose_positions(const float* x,
                                     const std::array<std::size_t, 3>& shape,
                                     const Accumulator& total,
                                     std::size_t n) {
  const std::size_t n_positions = shape[0] * shape[2];
  std::vector<Choice> chosen;
  if (n_positions <= n) {
    for (std::size_t at = 0; at < n_positions; ++at) {
      chosen.push_back({at});
    }
    return chosen;
  }
  const std::vector<float> far = distances(x, shape, total);
  const double sum = std::accumulate(far.begin(), far.end(), 0.0);
  const double even = sum > 0.0 ? sum / static_cast<double>(n_positions) : 1.0;
  const double stride = (sum + even * static_cast<double>(n_positions)) / static_cast<double>(n);
  const std::uint64_t seed = std::bit_cast<std::uint32_t>(x[0]) * std::uint64_t{0x9E3779B97F4A7C15};
  double next = stride * static_cast<double>(seed >> 32U) / 4294967296.0;
  double reached = 0.0;
  for (std::size_t at = 0; at < n_positions && chosen.size() < n; ++at) {
    const double chance = even + static_cast<double>(far[at]);
    reached += chance;
    double n_times = 0.0;
    for (; next < reached; next += stride) {
      n_times += 1.0;
    }
    if (n_times > 0.0) {
      chosen.push_back({at, static_cast<float>(std::max(1.0, std::nearbyint(n_times * stride / chance)))});
    }
  }
  return chosen;
}

/// Writes the values of chosen positions to `tokens` [n, channels], and what they stand for to `counts` [n].
void sample_tokens(const float* x,
                   const std::array<std::size_t, 3>& shape,
                   const Accumulator& total,
                   std::size_t n,
                   float* tokens,
                   float* counts) {
  const auto [outer, channels, inner] = shape;
  for (const auto [at, n_positions] : choose_positions(x, shape, total, n)) {
    const float* from = x + at / inner * channels * inner + at % inner;
    for (std::size_t c = 0; c < channels; ++c) {
      *tokens++ = from[c * inner];
    }
    *counts++ = n_positions;
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
  set_output_type(0, ov::element::f32, ov::PartialShape{n_rows(n_tokens_, n_channels_), n_channels_});
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
  outputs[0].set_shape({static_cast<std::size_t>(n_rows(n_tokens_, n_channels_)), n});
  float* out = outputs[0].data<float>();
  float* counts = out + (3 + n_tokens) * n;
  Accumulator total(n);
  std::fill(out + 3 * n, out + outputs[0].get_size(), 0.0F);
  if (n_values != 0) {
    std::vector<float> buffer;
    const float* x = nullptr;
    if (shape[1] != n || !as_floats(inputs[0], buffer, x)) {
      return false;
    }
    accumulate(x, shape, total);
    if (n_tokens > 0) {
      sample_tokens(x, shape, total, n_tokens, out + 3 * n, counts);
    }
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
