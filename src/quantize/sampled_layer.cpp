#include "quantize/sampled_layer.h"

#include <algorithm>
#include <utility>

#include "quantize/rounding.h"

namespace sotto::quantize {
namespace {

SOTTO_AVX2_CLONE float dot(const float* __restrict a, const float* __restrict b, std::size_t n) {
  constexpr std::size_t kLanes = 16;
  float lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += a[i + lane] * b[i + lane];
    }
  }
  float sum = 0.0F;
  for (; i < n; ++i) {
    sum += a[i] * b[i];
  }
  for (const float lane : lanes) {
    sum += lane;
  }
  return sum;
}

}  // namespace

void append_outputs(const Weight& weight, std::span<const float> values, std::size_t n_most, Rows& rows) {
  const std::size_t n_in = weight.shape[*weight.input_axis];
  const std::size_t n_out = values.size() / n_in;
  const bool is_row_major = *weight.input_axis == 1;
  const std::size_t n = std::min(n_out, n_most);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = i * n_out / n;
    std::vector<float> row(n_in);
    for (std::size_t c = 0; c < n_in; ++c) {
      row[c] = values[is_row_major ? at * n_in + c : c * n_out + at];
    }
    rows.push_back(std::move(row));
  }
}

Rows products(const Rows& tokens, const Rows& outputs) {
  Rows y;
  for (const std::vector<float>& token : tokens) {
    std::vector<float>& row = y.emplace_back();
    for (const std::vector<float>& output : outputs) {
      row.push_back(dot(token.data(), output.data(), token.size()));
    }
  }
  return y;
}

}  // namespace sotto::quantize
