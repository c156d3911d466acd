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

#include "engine/attention_loops.h"

namespace sotto::engine {
namespace {

struct Int8Tile {
  const Product& product;
  const Rows& rows;

  template <std::size_t kRows, std::size_t kBlocks>
  void run(std::size_t row, std::size_t block) const {
    const std::size_t n_in = product.n_in;
    const auto* weights = static_cast<const std::int8_t*>(product.weights) + block * n_in * kBlock;
    const std::size_t stride = stride_of(product, rows);
    const auto* x = static_cast<const std::uint8_t*>(rows.x) + row * stride;
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
        const __m512i quad = _mm512_set1_epi32(load<std::int32_t>(x + r * stride + k));
        for (std::size_t b = 0; b < kBlocks; ++b) {
          sums[r][b] = _mm512_dpbusd_epi32(sums[r][b], quad, weight[b]);
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t b = 0; b < kBlocks; ++b) {
        const auto floats = reinterpret_cast<Lanes>(_mm512_cvtepi32_ps(sums[r][b]));
        put(product, rows, row + r, block + b, &floats);
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

/// 2^floor(t) by exponent, the rest by a minimax polynomial of degree 3 on [0, 1).
inline Lanes power_of_two(Lanes t) {
  constexpr int kToFloor = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  const auto x = reinterpret_cast<__m512>(t);
  const auto rest = reinterpret_cast<Lanes>(_mm512_reduce_ps(x, kToFloor));
  Lanes p = all(0.0790199F);
  p = multiply_add(p, rest, all(0.2241208F));
  p = multiply_add(p, rest, all(0.6967528F));
  p = multiply_add(p, rest, all(0.9998978F));
  return reinterpret_cast<Lanes>(_mm512_scalef_ps(reinterpret_cast<__m512>(p), x));
}

/// The largest of each of four registers.
inline __m128 largest_of_four(const Lanes* x) {
  __m256 halves[4];
  for (std::size_t r = 0; r < 4; ++r) {
    const auto all_of_row = reinterpret_cast<__m512>(x[r]);
    halves[r] = _mm256_max_ps(_mm512_castps512_ps256(all_of_row), _mm512_extractf32x8_ps(all_of_row, 1));
  }
  const auto pairs = [](__m256 a, __m256 b) {
    return _mm256_max_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  };
  const auto low = _mm256_castps_pd(pairs(halves[0], halves[1]));
  const auto high = _mm256_castps_pd(pairs(halves[2], halves[3]));
  const __m256 quads = _mm256_max_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(low, high)),
                                     _mm256_castpd_ps(_mm256_unpackhi_pd(low, high)));
  return _mm_max_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1));
}

/// kRows queries by two blocks of keys: as many registers as hide each other's latency, and scores of four
/// queries stay in the first cache.
template <std::size_t kRows>
void score_rows(const Product& keys, const Queries& queries, std::size_t row, float* largest) {
  constexpr std::size_t kBytes = kBlock * kHeadSize;  // of a block
  const std::uint8_t* const x = queries.first + row * queries.stride;
  float* const scores = queries.scratch + row * keys.n_out;
  const auto* key = static_cast<const std::int8_t*>(keys.weights);
  for (std::size_t i = 0; i < keys.n_out; i += 2 * kBlock, key += 2 * kBytes, largest += kQueries) {
    __m512i sums[kRows][2] = {};
    for (std::size_t k = 0; k < kHeadSize; k += kQuad) {
      const __m512i first = _mm512_loadu_si512(key + k * kBlock);
      const __m512i second = _mm512_loadu_si512(key + kBytes + k * kBlock);
      for (std::size_t r = 0; r < kRows; ++r) {
        const __m512i quad = _mm512_set1_epi32(load<std::int32_t>(x + r * queries.stride + k));
        sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], quad, first);
        sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], quad, second);
      }
    }
    Lanes max[4] = {};
    for (std::size_t r = 0; r < kRows; ++r) {
      Lanes y[2];
      for (std::size_t b = 0; b < 2; ++b) {
        const std::size_t at = i + b * kBlock;
        const auto sum = reinterpret_cast<Lanes>(_mm512_cvtepi32_ps(sums[r][b]));
        y[b] = multiply_add(sum, load<Lanes>(keys.scale + at), load<Lanes>(keys.offset + at));
        store(scores + r * keys.n_out + at, y[b]);
      }
      max[r] = larger(y[0], y[1]);
    }
    const __m128 of_rows = largest_of_four(max);
    std::memcpy(largest + row, &of_rows, kRows * sizeof(float));
  }
}

template <std::size_t kRows>
void score_from(const Product& keys, const Queries& queries, std::size_t row, float* largest) {
  for (; row + kRows <= queries.n; row += kRows) {
    score_rows<kRows>(keys, queries, row, largest);
  }
  if constexpr (kRows > 1) {
    score_from<kRows / 2>(keys, queries, row, largest);
  }
}

void score(const Product& keys, const Queries& queries, float* largest) {
  score_from<kQueries>(keys, queries, 0, largest);
}

template <std::size_t kRows>
inline void add_values_of_scale(const std::int8_t* values,
                                const std::uint8_t* weights,
                                std::size_t stride,
                                const float* scales,
                                float* sums) {
  __m512i integers[kRows][kHeadParts] = {};
  for (std::size_t k = 0; k < kKeysOfScale; k += kQuad, values += kQuad * kHeadSize) {
    __m512i value[kHeadParts];
    for (std::size_t p = 0; p < kHeadParts; ++p) {
      value[p] = _mm512_loadu_si512(values + p * kQuad * kLanes);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      const __m512i quad = _mm512_set1_epi32(load<std::int32_t>(weights + r * stride + k));
      for (std::size_t p = 0; p < kHeadParts; ++p) {
        integers[r][p] = _mm512_dpbusd_epi32(integers[r][p], quad, value[p]);
      }
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const Lanes scale = all(scales[r]);
    for (std::size_t p = 0; p < kHeadParts; ++p) {
      float* const to = sums + r * kHeadSize + p * kLanes;
      const auto sum = reinterpret_cast<Lanes>(_mm512_cvtepi32_ps(integers[r][p]));
      store(to, multiply_add(sum, scale, load<Lanes>(to)));
    }
  }
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
