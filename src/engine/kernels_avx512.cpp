#include <cstddef>

#include "engine/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)

#include <immintrin.h>

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 16;
constexpr std::size_t kMostFloatRows = 8;
}  // namespace
}  // namespace sotto::engine

#include "engine/kernel_loops.h"

namespace sotto::engine {
namespace {

struct Int8Tile {
  const Product& product;
  const Rows& rows;

  template <std::size_t kRows, std::size_t kBlocks>
  void run(std::size_t row, std::size_t block) const {
    const std::size_t n_in = product.n_in;
    const auto* weights = static_cast<const std::int8_t*>(product.weights) + block * n_in * kBlock;
    const auto* x = static_cast<const std::uint8_t*>(rows.x) + row * n_in;
    __m512i sums[kRows][kBlocks];
    for (auto& of_row : sums) {
      for (__m512i& sum : of_row) {
        sum = _mm512_setzero_si512();
      }
    }
    for (std::size_t k = 0; k < n_in; k += kQuad, weights += kBlock * kQuad) {
      __m512i weight[kBlocks];
      for (std::size_t b = 0; b < kBlocks; ++b) {
        weight[b] = _mm512_loadu_si512(weights + b * n_in * kBlock);
      }
      for (std::size_t r = 0; r < kRows; ++r) {
        const __m512i quad = _mm512_set1_epi32(load<std::int32_t>(x + r * n_in + k));
        for (std::size_t b = 0; b < kBlocks; ++b) {
          sums[r][b] = _mm512_dpbusd_epi32(sums[r][b], quad, weight[b]);
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t b = 0; b < kBlocks; ++b) {
        float floats[kBlock];
        _mm512_storeu_ps(floats, _mm512_cvtepi32_ps(sums[r][b]));
        put(product, rows, row + r, block + b, floats);
      }
    }
  }
};

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  over_tiles<8>(rows.n_rows, first, last, Int8Tile{product, rows});
}

inline Lanes widened_half(const std::uint16_t* x) {
  const __m512 wide = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
  return load<Lanes>(&wide);
}

}  // namespace

const Kernels* avx512_kernels() {
  static constexpr Kernels kKernels = kernels_named("avx512_vnni");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* avx512_kernels() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
