#pragma once

// Products of u8 × i8 for processors with an instruction that adds four of them to each lane.

#include "engine/attention_loops.h"

namespace sotto::engine {
namespace {
namespace vnni {

/// Adds four products to each lane.
inline IntLanes add_products(IntLanes sums, IntLanes quads, IntLanes weights);

#if defined(__AVX512VNNI__)
inline IntLanes add_products(IntLanes sums, IntLanes quads, IntLanes weights) {
  return reinterpret_cast<IntLanes>(_mm512_dpbusd_epi32(
      reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(quads), reinterpret_cast<__m512i>(weights)));
}
#elif defined(__AVXVNNI__)
inline IntLanes add_products(IntLanes sums, IntLanes quads, IntLanes weights) {
  return reinterpret_cast<IntLanes>(_mm256_dpbusd_avx_epi32(
      reinterpret_cast<__m256i>(sums), reinterpret_cast<__m256i>(quads), reinterpret_cast<__m256i>(weights)));
}
#endif

inline IntLanes quads_of(const std::uint8_t* x) {
  return IntLanes{} + load<std::int32_t>(x);
}

inline Lanes floats_of(IntLanes x) {
  return __builtin_convertvector(x, Lanes);
}

/// kRows rows by kParts registers of outputs, [n_in / kQuad] of them: weights(k, p) is a register's worth.
template <std::size_t kRows, std::size_t kParts, typename Weights>
inline void add_up(const std::uint8_t* x,
                   std::size_t stride,
                   std::size_t n_in,
                   const Weights& weights,
                   IntLanes (&sums)[kRows][kParts]) {
  for (std::size_t k = 0; k < n_in; k += kQuad) {
    IntLanes weight[kParts];
    for (std::size_t p = 0; p < kParts; ++p) {
      weight[p] = load<IntLanes>(weights(k, p));
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      const IntLanes quads = quads_of(x + r * stride + k);
      for (std::size_t p = 0; p < kParts; ++p) {
        sums[r][p] = add_products(sums[r][p], quads, weight[p]);
      }
    }
  }
}

constexpr std::size_t kMostInt8Rows = kLanes == 16 ? 8 : 3;  // as registers allow beside two blocks

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  const std::size_t stride = stride_of(product, rows);
  over_tiles<kMostInt8Rows>(rows.n_rows, first, last,
                            [&]<std::size_t kRows, std::size_t kBlocks>(std::size_t row, std::size_t block) {
                              const auto* weights = static_cast<const std::int8_t*>(product.weights);
                              IntLanes sums[kRows][kBlocks * kBlockParts] = {};
                              add_up(
                                  static_cast<const std::uint8_t*>(rows.x) + row * stride, stride,
                                  product.n_in,
                                  [&](std::size_t k, std::size_t p) {
                                    return weights + ((block + p / kBlockParts) * product.n_in + k) * kBlock +
                                           p % kBlockParts * kLanes * kQuad;
                                  },
                                  sums);
                              for (std::size_t b = 0; b < kBlocks; ++b) {
                                const Outputs outputs(product, rows, block + b);
                                for (std::size_t r = 0; r < kRows; ++r) {
                                  outputs.put_integers(row + r, &sums[r][b * kBlockParts]);
                                }
                              }
                            });
}

/// The largest of each of four registers.
inline __m128 largest_of_four(const Lanes* x) {
  __m256 halves[4];
  for (std::size_t r = 0; r < 4; ++r) {
#if defined(__AVX512F__)
    const auto row = reinterpret_cast<__m512>(x[r]);
    halves[r] = _mm256_max_ps(_mm512_castps512_ps256(row), _mm512_extractf32x8_ps(row, 1));
#else
    halves[r] = reinterpret_cast<__m256>(x[r]);
#endif
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

constexpr std::size_t kScaleParts = kKeysOfScale / kLanes;
/// As many as registers allow beside kScaleParts of sums each; the scores of so few stay in the first cache.
constexpr std::size_t kMostAttentionRows = kLanes == 16 ? 4 : 3;

/// Writes what kRows queries have with kKeysOfScale keys, from `key` on.
template <std::size_t kRows>
inline void put_scores(const Product& keys,
                       std::size_t row,
                       std::size_t key,
                       const IntLanes (*sums)[kScaleParts],
                       const Scratch& scratch) {
  static_assert(kRows <= 4 || kRows % 4 == 0);
  constexpr std::size_t kFour = 4;
  Lanes scale[kScaleParts];
  Lanes offset[kScaleParts];
  for (std::size_t p = 0; p < kScaleParts; ++p) {
    scale[p] = load<Lanes>(keys.scale + key + p * kLanes);
    offset[p] = load<Lanes>(keys.offset + key + p * kLanes);
  }
  const std::size_t stride = keys.n_out;
  float* const to = scratch.scores + row * stride + key;
  float* const largest = scratch.largest + key / kKeysOfScale * kQueries + row;
  for (std::size_t first = 0; first < kRows; first += kFour) {
    constexpr std::size_t kSome = kRows < kFour ? kRows : kFour;
    Lanes max[kFour] = {};
    for (std::size_t r = 0; r < kSome; ++r) {
      Lanes y[kScaleParts];
      for (std::size_t p = 0; p < kScaleParts; ++p) {
        y[p] = multiply_add(floats_of(sums[first + r][p]), scale[p], offset[p]);
        store(to + (first + r) * stride + p * kLanes, y[p]);
        max[r] = p == 0 ? y[p] : larger(max[r], y[p]);
      }
    }
    const __m128 of_rows = largest_of_four(max);
    std::memcpy(largest + first, &of_rows, kSome * sizeof(float));
  }
}

void score(const Product& keys, const Queries& queries, const Scratch& scratch) {
  over_rows<kMostAttentionRows>(0, queries.n, [&]<std::size_t kRows>(std::size_t row) {
    const auto* key = static_cast<const std::int8_t*>(keys.weights);
    for (std::size_t i = 0; i < keys.n_out; i += kKeysOfScale, key += kKeysOfScale * kHeadSize) {
      IntLanes sums[kRows][kScaleParts] = {};
      add_up(
          queries.first + row * queries.stride, queries.stride, kHeadSize,
          [&](std::size_t k, std::size_t p) {
            return key + (p / kBlockParts * kHeadSize + k) * kBlock + p % kBlockParts * kLanes * kQuad;
          },
          sums);
      put_scores<kRows>(keys, row, i, sums, scratch);
    }
  });
}

/// to += scale · sums.
template <std::size_t kParts>
inline void add_scaled(const IntLanes (&sums)[kParts], float scale, float* to) {
  for (std::size_t p = 0; p < kParts; ++p) {
    store(to + p * kLanes, multiply_add(floats_of(sums[p]), all(scale), load<Lanes>(to + p * kLanes)));
  }
}

void add_values(const HeadKeys& head, const Queries& queries, const Scratch& scratch) {
  constexpr std::size_t kParts = 4;  // registers of a query's sums
  const std::size_t n = head.keys.n_out;
  over_rows<kMostAttentionRows>(0, queries.n, [&]<std::size_t kRows>(std::size_t row) {
    const auto* weights = reinterpret_cast<const std::uint8_t*>(scratch.scores + row * n);
    const auto* values = static_cast<const std::int8_t*>(head.values);
    const float* scales = scratch.scales + row;
    for (std::size_t i = 0; i < n; i += kKeysOfScale, scales += kQueries) {
      for (std::size_t column = 0; column < kHeadSize; column += kParts * kLanes) {
        IntLanes sums[kRows][kParts] = {};
        add_up(
            weights + i, n * sizeof(float), kKeysOfScale,
            [&](std::size_t k, std::size_t p) {
              return values + (i + k) * kHeadSize + (column + p * kLanes) * kQuad;
            },
            sums);
        for (std::size_t r = 0; r < kRows; ++r) {
          add_scaled(sums[r], scales[r], queries.out + (row + r) * kHeadSize + column);
        }
      }
    }
  });
}

}  // namespace vnni

struct Vnni {
  static constexpr auto multiply_int8 = vnni::multiply_int8;
  static constexpr auto score = vnni::score;
  static constexpr auto add_values = vnni::add_values;
};

}  // namespace
}  // namespace sotto::engine
