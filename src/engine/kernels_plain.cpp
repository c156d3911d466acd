#include <cstddef>

#include "engine/kernels.h"

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 4;
constexpr std::size_t kMostFloatRows = 1;
}  // namespace
}  // namespace sotto::engine

#include "engine/attention_loops.h"

namespace sotto::engine {
namespace {

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  const std::size_t stride = stride_of(product, rows);
  for (std::size_t block = first; block < last; ++block) {
    const auto* weights = static_cast<const std::int8_t*>(product.weights) + block * product.n_in * kBlock;
    for (std::size_t row = 0; row < rows.n_rows; ++row) {
      const auto* x = static_cast<const std::uint8_t*>(rows.x) + row * stride;
      std::int32_t sums[kBlock] = {};
      for (std::size_t k = 0; k < product.n_in; ++k) {
        const std::int8_t* quad = weights + (k / kQuad * kBlock) * kQuad + k % kQuad;
        for (std::size_t i = 0; i < kBlock; ++i) {
          sums[i] += x[k] * quad[i * kQuad];
        }
      }
      put_integers(product, rows, row, block, sums);
    }
  }
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t magnitude = half & 0x7FFFU;
  // The exponent is moved to f32's place and its bias mended by a product, which subnormals survive.
  const std::uint32_t bits = magnitude << 13U;
  float x = load<float>(&bits) * 0x1p112F;
  if (magnitude >= 0x7C00U) {
    const std::uint32_t special = bits | 0x7F800000U;
    x = load<float>(&special);
  }
  return (half & 0x8000U) != 0 ? -x : x;
}

inline Lanes widened_half(const std::uint16_t* x) {
  Lanes wide{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    wide[i] = half_to_float(x[i]);
  }
  return wide;
}

inline Lanes power_of_two(Lanes t) {
  return exp_of(t * 0.69314718F);
}

void score(const Product& keys, const Queries& queries, float* largest) {
  score_by_product(keys, queries, largest);
}

template <std::size_t kRows>
inline void add_values_of_scale(
    const std::int8_t* values, const std::uint8_t* weights, std::size_t, const float* scales, float* sums) {
  static_assert(kRows == 1);
  add_by_integers(values, weights, scales[0], sums);
}

}  // namespace

const Kernels& plain_kernels() {
  static constexpr Kernels kKernels = kernels_named("plain");
  return kKernels;
}

}  // namespace sotto::engine
