#pragma once

// The loops of attention of many queries, over those of kernel_loops.h, and the table of all. Each file that
// includes this also sets kQueries, those that it goes through at a time, and has the loops over u8 × i8,
// which processors do in ways of their own, as a struct Int8:
//   multiply_int8: Kernels::multiply_int8;
//   score(keys, queries, scratch): scores of queries by all keys, and the largest of each kKeysOfScale of
//   them; Int8::add_values(head, queries, scratch): queries.out += Σ scale · Σ weight · value, the inner sum
//   over
//     kKeysOfScale keys in whole numbers.
// Everything is local to that file.

#include "engine/kernel_loops.h"

namespace sotto::engine {
namespace {

constexpr std::size_t kHeadParts = kHeadSize / kLanes;
/// Queries whose sums of values fit into registers side by side.
constexpr std::size_t kRegisterQueries = kLanes == 16 ? 4 : 1;

/// Parts of Queries::scratch.
struct Scratch {
  float* scores = nullptr;   ///< [queries, n_keys]; then u8 weights, each query's where its scores began
  float* largest = nullptr;  ///< [n_keys / kKeysOfScale, kQueries] scores
  float* scales = nullptr;   ///< likewise: 2^(largest - the largest of all keys of that query)
};

inline Scratch scratch_of(const HeadKeys& head, const Queries& queries) {
  const std::size_t n_keys = head.keys.n_out;
  float* const largest = queries.scratch + kQueries * n_keys;
  return {queries.scratch, largest, largest + kQueries * (n_keys / kKeysOfScale)};
}

/// Of query r, all of its keys.
inline float largest_of(const float* largest, std::size_t n_keys, std::size_t r) {
  float max = largest[r];
  for (std::size_t i = 1; i < n_keys / kKeysOfScale; ++i) {
    const float other = largest[i * kQueries + r];
    max = max > other ? max : other;
  }
  return max;
}

/// 2^t for t <= 0.
inline Lanes exactly_power_of_two(Lanes t) {
  return exp_of(t * 0.69314718F);
}

/// 255 times that, within 1.1e-4 of it relatively: by exponent to the floor of t, the rest by a minimax
/// polynomial of degree 3 on [0, 1].
inline Lanes levels_of_power(Lanes t) {
  const auto polynomial = [](Lanes rest) {
    Lanes p = all(255.0F * 0.0790199F);
    p = multiply_add(p, rest, all(255.0F * 0.2241208F));
    p = multiply_add(p, rest, all(255.0F * 0.6967528F));
    return multiply_add(p, rest, all(255.0F * 0.9998978F));
  };
#if defined(__AVX512DQ__)
  constexpr int kToFloor = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  const auto x = reinterpret_cast<__m512>(t);
  const Lanes p = polynomial(reinterpret_cast<Lanes>(_mm512_reduce_ps(x, kToFloor)));
  return reinterpret_cast<Lanes>(_mm512_scalef_ps(reinterpret_cast<__m512>(p), x));
#else
  const Lanes inside = larger(t, all(-100.0F));  // what is less is 0 of 255 levels, too
  const Lanes shifted = (inside - 0.5F) + kRoundingShift;
  const Lanes p = polynomial(inside - (shifted - kRoundingShift));
  const IntLanes bits = load<IntLanes>(&p) + (load<IntLanes>(&shifted) << 23);
  return load<Lanes>(&bits);
#endif
}

template <typename Int8>
void attend_f32(const HeadKeys& head, const Queries& queries) {
  const std::size_t n = head.keys.n_out;
  const Scratch scratch = scratch_of(head, queries);
  float totals[kQueries];
  Int8::score(head.keys, queries, scratch);
  for (std::size_t r = 0; r < queries.n; ++r) {
    float* const scores = scratch.scores + r * n;
    const float max = largest_of(scratch.largest, n, r);
    map(scores, n, scores, [&](Lanes x, std::size_t) { return exactly_power_of_two(x - max); });
    totals[r] = total(scores, n);
  }
  over_rows<kRegisterQueries>(0, queries.n, [&]<std::size_t kRows>(std::size_t row) {
    const auto* value = static_cast<const float*>(head.values);
    const float* const weights = scratch.scores + row * n;
    Lanes sums[kRows][kHeadParts] = {};
    for (std::size_t i = 0; i < n; ++i, value += kHeadSize) {
      for (std::size_t r = 0; r < kRows; ++r) {
        for (std::size_t p = 0; p < kHeadParts; ++p) {
          sums[r][p] = multiply_add(all(weights[r * n + i]), load<Lanes>(value + p * kLanes), sums[r][p]);
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t p = 0; p < kHeadParts; ++p) {
        store(queries.out + (row + r) * kHeadSize + p * kLanes, sums[r][p] / totals[row + r]);
      }
    }
  });
}

inline void scale_weights(const Scratch& scratch, std::size_t n_keys) {
  // Whole registers of what is largest of each query, again and again.
  constexpr std::size_t kMaxima = kLanes % kQueries == 0 ? kLanes : kQueries * kLanes;
  float max[kMaxima];
  for (std::size_t i = 0; i < kMaxima; ++i) {
    max[i] = i < kQueries ? largest_of(scratch.largest, n_keys, i) : max[i % kQueries];
  }
  map(scratch.largest, n_keys / kKeysOfScale * kQueries, scratch.scales,
      [&](Lanes x, std::size_t i) { return exactly_power_of_two(x - load<Lanes>(max + i % kMaxima)); });
}

/// Turns the scores of query r into u8 weights in place, each kKeysOfScale relative to the largest of them:
/// so a peak does not round away what is far from it. Returns the sum of all, scaled.
inline float weigh(const Scratch& scratch, std::size_t n, std::size_t r) {
  const float* scores = scratch.scores + r * n;
  auto* weights = reinterpret_cast<std::uint8_t*>(scratch.scores + r * n);
  const float* largest = scratch.largest + r;
  const float* scales = scratch.scales + r;
  Lanes sum = all(0.0F);
  for (const float* const end = scores + n; scores != end; scores += kKeysOfScale, weights += kKeysOfScale) {
    Lanes sum_of_these{};
    for (std::size_t k = 0; k < kKeysOfScale; k += kLanes) {
      const Lanes weight = levels_of_power(load<Lanes>(scores + k) - *largest);
      sum_of_these = k == 0 ? weight : sum_of_these + weight;
      store(weights + k, bytes_of(weight));
    }
    sum = multiply_add(sum_of_these, all(*scales), sum);
    largest += kQueries;
    scales += kQueries;
  }
  return sum_of(sum);
}

template <typename Int8>
void attend_int8(const HeadKeys& head, const Queries& queries) {
  const std::size_t n = head.keys.n_out;
  const Scratch scratch = scratch_of(head, queries);
  float totals[kQueries];
  Int8::score(head.keys, queries, scratch);
  scale_weights(scratch, n);
  for (std::size_t r = 0; r < queries.n; ++r) {
    totals[r] = weigh(scratch, n, r);
  }
  std::memset(queries.out, 0, queries.n * kHeadSize * sizeof(float));
  Int8::add_values(head, queries, scratch);
  for (std::size_t i = 0; i < queries.n * kHeadSize; i += kLanes) {
    const Lanes scale = load<Lanes>(head.value_scale + i % kHeadSize) / totals[i / kHeadSize];
    store(queries.out + i, load<Lanes>(queries.out + i) * scale);
  }
}

void pack_values(const float* values, std::size_t n, std::int8_t* packed, float* scale) {
  for (std::size_t first = 0; first < kHeadSize; first += kLanes) {
    Lanes max = all(1e-30F);
    for (std::size_t i = 0; i < n; ++i) {
      const Lanes x = load<Lanes>(values + i * kHeadSize + first);
      max = larger(max, larger(x, -x));
    }
    store(scale + first, max / 127.0F);
    const Lanes per_value = 127.0F / max;
    for (std::size_t i = 0; i < n; i += kQuad) {
      IntLanes quads{};
      for (std::size_t k = 0; k < kQuad; ++k) {
        const Lanes shifted = load<Lanes>(values + (i + k) * kHeadSize + first) * per_value + kRoundingShift;
        quads |= (load<IntLanes>(&shifted) & 0xFF) << static_cast<std::int32_t>(8 * k);
      }
      store(packed + i * kHeadSize + first * kQuad, quads);
    }
  }
}

template <typename Int8>
constexpr Kernels kernels_named(const char* name) {
  return {.name = name,
          .multiply_int8 = Int8::multiply_int8,
          .multiply_f32 = multiply_f32,
          .multiply_f16 = multiply_f16,
          .multiply_bf16 = multiply_bf16,
          .multiply_int8_weights = multiply_int8_weights,
          .scores_f32 = scores<float>,
          .scores_bf16 = scores<std::uint16_t>,
          .add_weighted_f32 = add_weighted<float>,
          .add_weighted_bf16 = add_weighted<std::uint16_t>,
          .exponentials = exponentials,
          .n_queries = kQueries,
          .attend_f32 = attend_f32<Int8>,
          .attend_int8 = attend_int8<Int8>,
          .pack_values = pack_values,
          .normalize = normalize,
          .gelu = gelu,
          .gelu_quantize = gelu_quantize,
          .multiply = multiply,
          .quantize = quantize,
          .to_bf16 = to_bf16,
          .add = add};
}

}  // namespace
}  // namespace sotto::engine
