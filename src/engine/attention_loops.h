#pragma once

// The loops of attention of many queries, over those of kernel_loops.h, and the table of all. Everything is
// local to the file that includes this.

#include "engine/kernel_loops.h"

namespace sotto::engine {
namespace {

/// 2^t for t <= 0, within 1e-4 of it relatively.
inline Lanes power_of_two(Lanes t);

/// Scores of queries by all keys, [n, n_out], and the largest of each kKeysOfScale of them, [.., kQueries].
void score(const Product& keys, const Queries& queries, float* largest);

inline void score_by_product(const Product& keys, const Queries& queries, float* largest) {
  const Rows rows{.x = queries.first,
                  .n_rows = queries.n,
                  .y = queries.scratch,
                  .y_stride = keys.n_out,
                  .x_stride = queries.stride};
  multiply_int8(keys, rows, 0, keys.n_out / kBlock);
  for (std::size_t r = 0; r < queries.n; ++r) {
    const float* const scores = queries.scratch + r * keys.n_out;
    for (std::size_t i = 0; i < keys.n_out; ++i) {
      float& max = largest[i / kKeysOfScale * kQueries + r];
      max = i % kKeysOfScale == 0 || scores[i] > max ? scores[i] : max;
    }
  }
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

constexpr std::size_t kMostQueries = kLanes == 16 ? 4 : 1;  // as registers for their sums allow
constexpr std::size_t kHeadParts = kHeadSize / kLanes;

/// Σ weight · value for kRows queries from `row` on, then for as many at a time as there are left.
template <std::size_t kRows>
void add_values_f32(const HeadKeys& head, const Queries& queries, const float* totals, std::size_t row) {
  const std::size_t n = head.keys.n_out;
  for (; row + kRows <= queries.n; row += kRows) {
    const auto* value = static_cast<const float*>(head.values);
    const float* const weights = queries.scratch + row * n;
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
  }
  if constexpr (kRows > 1) {
    add_values_f32<kRows / 2>(head, queries, totals, row);
  }
}

void attend_f32(const HeadKeys& head, const Queries& queries) {
  const std::size_t n = head.keys.n_out;
  float* const largest = queries.scratch + kQueries * n;
  float totals[kQueries];
  score(head.keys, queries, largest);
  for (std::size_t r = 0; r < queries.n; ++r) {
    float* const scores = queries.scratch + r * n;
    const float max = largest_of(largest, n, r);
    map(scores, n, scores, [&](Lanes x, std::size_t) { return exp_of((x - max) * 0.69314718F); });
    totals[r] = total(scores, n);
  }
  add_values_f32<kMostQueries>(head, queries, totals, 0);
}

/// scales = 2^(largest - the largest of all keys of that query).
inline void scale_weights(const float* largest, std::size_t n_keys, float* scales) {
  float max[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    max[i] = i < kQueries ? largest_of(largest, n_keys, i) : max[i % kQueries];
  }
  map(largest, n_keys / kKeysOfScale * kQueries, scales,
      [&](Lanes x, std::size_t) { return exp_of((x - load<Lanes>(max)) * 0.69314718F); });
}

/// Turns the scores of query r into u8 weights in place, each kKeysOfScale relative to the largest of them:
/// so a peak does not round away what is far from it. Returns the sum of all, scaled.
inline float weigh(float* scores, const float* largest, const float* scales, std::size_t n, std::size_t r) {
  auto* const weights = reinterpret_cast<std::uint8_t*>(scores);
  Lanes sum = all(0.0F);
  for (std::size_t i = 0; i < n; i += kKeysOfScale) {
    const std::size_t at = i / kKeysOfScale * kQueries + r;
    Lanes sum_of_these = all(0.0F);
    for (std::size_t k = i; k < i + kKeysOfScale; k += kLanes) {
      const Lanes weight = power_of_two(load<Lanes>(scores + k) - largest[at]);
      sum_of_these += weight;
      store(weights + k, bytes_of(weight * 255.0F));
    }
    sum = multiply_add(sum_of_these, all(scales[at]), sum);
  }
  return 255.0F * sum_of(sum);
}

/// sums[r] += scale · Σ weight · value over kKeysOfScale keys, of kRows queries.
template <std::size_t kRows>
inline void add_values_of_scale(const std::int8_t* values,
                                const std::uint8_t* weights,
                                std::size_t stride,
                                const float* scales,
                                float* sums);

template <std::size_t kRows>
void add_values_int8(const HeadKeys& head, const Queries& queries, const float* totals, std::size_t row) {
  const std::size_t n = head.keys.n_out;
  const float* const scales = queries.scratch + kQueries * (n + n / kKeysOfScale);
  for (; row + kRows <= queries.n; row += kRows) {
    const auto* values = static_cast<const std::int8_t*>(head.values);
    const auto* weights = reinterpret_cast<const std::uint8_t*>(queries.scratch + row * n);
    float* const out = queries.out + row * kHeadSize;
    std::memset(out, 0, kRows * kHeadSize * sizeof(float));
    for (std::size_t i = 0; i < n; i += kKeysOfScale) {
      add_values_of_scale<kRows>(values + i * kHeadSize, weights + i, n * sizeof(float),
                                 scales + i / kKeysOfScale * kQueries + row, out);
    }
    for (std::size_t i = 0; i < kRows * kHeadSize; i += kLanes) {
      const Lanes scale = load<Lanes>(head.value_scale + i % kHeadSize) / totals[row + i / kHeadSize];
      store(out + i, load<Lanes>(out + i) * scale);
    }
  }
  if constexpr (kRows > 1) {
    add_values_int8<kRows / 2>(head, queries, totals, row);
  }
}

void attend_int8(const HeadKeys& head, const Queries& queries) {
  const std::size_t n = head.keys.n_out;
  float* const largest = queries.scratch + kQueries * n;
  float totals[kQueries];
  float* const scales = largest + n / kKeysOfScale * kQueries;
  score(head.keys, queries, largest);
  scale_weights(largest, n, scales);
  for (std::size_t r = 0; r < queries.n; ++r) {
    totals[r] = weigh(queries.scratch + r * n, largest, scales, n, r);
  }
  add_values_int8<kMostQueries>(head, queries, totals, 0);
}

inline void add_by_integers(const std::int8_t* values,
                            const std::uint8_t* weights,
                            float scale,
                            float* sums) {
  for (std::size_t i = 0; i < kHeadSize; ++i) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < kKeysOfScale; ++k) {
      sum += weights[k] * values[(k / kQuad * kHeadSize + i) * kQuad + k % kQuad];
    }
    sums[i] += scale * static_cast<float>(sum);
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
        const Lanes shifted = load<Lanes>(values + (i + k) * kHeadSize + first) * per_value + 12582912.0F;
        quads |= (load<IntLanes>(&shifted) & 0xFF) << static_cast<std::int32_t>(8 * k);
      }
      store(packed + i * kHeadSize + first * kQuad, quads);
    }
  }
}

constexpr Kernels kernels_named(const char* name) {
  return {.name = name,
          .multiply_int8 = multiply_int8,
          .multiply_f32 = multiply_f32,
          .multiply_f16 = multiply_f16,
          .multiply_bf16 = multiply_bf16,
          .multiply_int8_weights = multiply_int8_weights,
          .scores_f32 = scores<float>,
          .scores_bf16 = scores<std::uint16_t>,
          .add_weighted_f32 = add_weighted<float>,
          .add_weighted_bf16 = add_weighted<std::uint16_t>,
          .exponentials = exponentials,
          .attend_f32 = attend_f32,
          .attend_int8 = attend_int8,
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
