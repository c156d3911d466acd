#include <cstddef>

#include "engine/kernels.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 8;
constexpr std::size_t kQueries = 4;
}  // namespace
}  // namespace sotto::engine

#include "engine/products_loops.h"

namespace sotto::engine {
namespace {

/// u8 × i8 in i16, where the instruction of older processors would saturate: pairs of products are added up
/// in i32, and pairs of those at the end.
template <std::size_t kRows>
void int8_tile(const Product& product, const Rows& rows, std::size_t row, std::size_t block) {
  constexpr std::size_t kParts = 4;  // registers of four outputs' pairs
  const auto* weights = static_cast<const std::int8_t*>(product.weights) + block * product.n_in * kBlock;
  const std::size_t stride = stride_of(product, rows);
  const auto* x = static_cast<const std::uint8_t*>(rows.x) + row * stride;
  __m256i sums[kRows][kParts];
  for (auto& of_row : sums) {
    for (__m256i& sum : of_row) {
      sum = _mm256_setzero_si256();
    }
  }
  for (std::size_t k = 0; k < product.n_in; k += kQuad, weights += kBlock * kQuad) {
    __m256i weight[kParts];
    for (std::size_t p = 0; p < kParts; ++p) {
      weight[p] = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights) + p));
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      const __m128i quad = _mm_cvtsi32_si128(load<std::int32_t>(x + r * stride + k));
      const __m256i input = _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(quad));
      for (std::size_t p = 0; p < kParts; ++p) {
        sums[r][p] = _mm256_add_epi32(sums[r][p], _mm256_madd_epi16(weight[p], input));
      }
    }
  }
  const Outputs outputs(product, rows, block);
  for (std::size_t r = 0; r < kRows; ++r) {
    std::int32_t pairs[2 * kBlock];
    std::memcpy(pairs, sums[r], sizeof(pairs));
    std::int32_t of_outputs[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {
      of_outputs[i] = pairs[2 * i] + pairs[2 * i + 1];
    }
    outputs.put_integers(row + r, of_outputs);
  }
}

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  for (std::size_t block = first; block < last; ++block) {
    over_rows<2>(0, rows.n_rows,
                 [&]<std::size_t kRows>(std::size_t row) { int8_tile<kRows>(product, rows, row, block); });
  }
}

}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kKernels = kernels_named<ByProducts>("avx2");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* avx2_kernels() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
