#include "transcribe/log_sum_exp.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace sotto::transcribe {
namespace {

// A row is summed in lanes: several independent sums are what lets the compiler use vector registers
// without reordering float additions on its own.
constexpr std::size_t kLanes = 16;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// exp(x) for x <= 0, branch-free so that a loop over it vectorises; 0 below the smallest normal float.
/// Range reduction to |r| <= ln2 / 2 and the Taylor polynomial of degree 7 (remainder 2e-9).
inline float exp_of_nonpositive(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // exact in 10 bits: n * kLn2High has no rounding error
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23: adding it leaves the integer in the low bits
  constexpr float kUnderflow = -87.0F;
  const float clamped = x < kUnderflow ? kUnderflow : x;
  const float shifted = clamped * kLog2E + kRoundToInteger;
  const float n = shifted - kRoundToInteger;
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto exponent = static_cast<std::uint32_t>(std::bit_cast<std::uint32_t>(shifted) << 23U);
  const float result = std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + exponent);
  return x < kUnderflow ? 0.0F : result;
}

}  // namespace

float row_max(std::span<const float> row) {
  std::array<float, kLanes> lanes;
  lanes.fill(kLowest);
  std::size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = row[i + lane] > lanes[lane] ? row[i + lane] : lanes[lane];
    }
  }
  for (; i < row.size(); ++i) {
    lanes[0] = std::max(lanes[0], row[i]);
  }
  return *std::max_element(lanes.begin(), lanes.end());
}

float log_sum_exp(std::span<const float> row) {
  const float max = row_max(row);
  const float shift = std::isfinite(max) ? max : 0.0F;
  std::array<float, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += exp_of_nonpositive(row[i + lane] - shift);
    }
  }
  for (; i < row.size(); ++i) {
    lanes[0] += exp_of_nonpositive(row[i] - shift);
  }
  float sum = 0.0F;
  for (const float lane : lanes) {
    sum += lane;
  }
  return shift + std::log(sum);
}

}  // namespace sotto::transcribe
