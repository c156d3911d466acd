#include "transcribe/log_sum_exp.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

// A row is the whole vocabulary and is read at every token: these loops are a tenth of a small decoder's
// time where they are scalar. The compiler chooses the widest registers of the machine when it runs.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
#define SOTTO_FOR_EACH_CPU [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define SOTTO_FOR_EACH_CPU
#endif

namespace sotto::transcribe {
namespace {

constexpr std::size_t kLanes = 16;
using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using Bits [[gnu::vector_size(kLanes * sizeof(float))]] = std::uint32_t;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

[[gnu::always_inline]] inline Floats load(const float* values) {
  Floats loaded;
  std::memcpy(&loaded, values, sizeof(loaded));
  return loaded;
}

/// The last values of a row, filled up with -infinity.
[[gnu::always_inline]] inline Floats load_rest(std::span<const float> rest) {
  Floats loaded = Floats{} + kLowest;
  for (std::size_t lane = 0; lane < rest.size(); ++lane) {
    loaded[lane] = rest[lane];
  }
  return loaded;
}

/// exp(x) for x <= 0; 0 below the smallest normal float.
/// Range reduction to |r| <= ln2 / 2 and the Taylor polynomial of degree 7 (remainder 2e-9).
[[gnu::always_inline]] inline Floats exp_of_nonpositive(Floats x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // exact in 10 bits: n * kLn2High has no rounding error
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRoundToInteger = 12582912.0F;  // 1.5 * 2^23: adding it leaves the integer in the low bits
  constexpr float kUnderflow = -87.0F;
  const auto underflows = x < kUnderflow;
  const Floats clamped = underflows ? Floats{} + kUnderflow : x;
  const Floats shifted = clamped * kLog2E + kRoundToInteger;
  const Floats n = shifted - kRoundToInteger;
  const Floats r = (clamped - n * kLn2High) - n * kLn2Low;
  Floats p = r * (1.0F / 5040) + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const Bits exponent = std::bit_cast<Bits>(shifted) << 23U;
  const auto result = std::bit_cast<Floats>(std::bit_cast<Bits>(p) + exponent);
  return underflows ? Floats{} : result;
}

}  // namespace

SOTTO_FOR_EACH_CPU float row_max(std::span<const float> row) {
  Floats largest = Floats{} + kLowest;
  std::size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    const Floats x = load(row.data() + i);
    largest = x > largest ? x : largest;
  }
  const Floats rest = load_rest(row.subspan(i));
  largest = rest > largest ? rest : largest;
  float max = largest[0];
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    max = std::max(max, largest[lane]);
  }
  return max;
}

SOTTO_FOR_EACH_CPU float log_sum_exp(std::span<const float> row) {
  const float max = row_max(row);
  const float shift = std::isfinite(max) ? max : 0.0F;
  Floats sums{};
  std::size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    sums += exp_of_nonpositive(load(row.data() + i) - shift);
  }
  sums += exp_of_nonpositive(load_rest(row.subspan(i)) - shift);
  float sum = 0.0F;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    sum += sums[lane];
  }
  return shift + std::log(sum);
}

}  // namespace sotto::transcribe
