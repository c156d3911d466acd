#pragma once

// The loops of Kernels over registers of kLanes floats; each file that includes this sets kLanes and the most
// rows of a tile, kMostFloatRows, and is compiled for its own processors. Everything is local to that file.

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__FMA__)
#include <immintrin.h>
#endif

#include "engine/kernels.h"

namespace sotto::engine {
namespace {

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using IntLanes = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
using ShortLanes = std::uint16_t __attribute__((vector_size(kLanes * sizeof(std::uint16_t))));
using ByteLanes = std::uint8_t __attribute__((vector_size(kLanes)));
using SignedLanes = std::int8_t __attribute__((vector_size(kLanes)));

template <typename T>
inline T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
inline void store(void* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

inline Lanes all(float x) {
  return Lanes{} + x;
}

/// a * b + c, rounded once where the processor can. Said, and not left to the compiler, which would fuse it
/// in one copy of a loop and not in another: then a row's values would depend on how many rows are computed.
inline Lanes multiply_add(Lanes a, Lanes b, Lanes c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Lanes>(
      _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
  return reinterpret_cast<Lanes>(
      _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#else
  return a * b + c;
#endif
}

inline float sum_of(Lanes x) {
  float sum = 0.0F;
  for (std::size_t i = 0; i < kLanes; ++i) {
    sum += x[i];
  }
  return sum;
}

inline Lanes larger(Lanes a, Lanes b) {
  return a > b ? a : b;
}
inline Lanes smaller(Lanes a, Lanes b) {
  return a < b ? a : b;
}

inline Lanes widened(const float* x) {
  return load<Lanes>(x);
}
inline Lanes widened(const std::int8_t* x) {
  return __builtin_convertvector(__builtin_convertvector(load<SignedLanes>(x), IntLanes), Lanes);
}
inline Lanes widened(const std::uint16_t* bf16) {
  const auto bits = __builtin_convertvector(load<ShortLanes>(bf16), IntLanes) << 16;
  return load<Lanes>(&bits);
}

/// Half to even for magnitudes below 2^22.
inline Lanes rounded(Lanes x) {
  const Lanes shift = all(12582912.0F);  // 1.5 * 2^23
  return (x + shift) - shift;
}

/// e^x for x <= 0, within 2e-7 of it relatively; 0 below -87. Powers of two by exponent, the rest by the
/// Taylor polynomial of degree 6 on ±½ ln 2.
inline Lanes exp_of(Lanes x) {
  const Lanes inside = larger(x, all(-87.0F));
  const Lanes n = rounded(inside * 1.44269504F);
  const Lanes r = (inside - n * 0.693359375F) + n * 2.12194440e-4F;
  Lanes p = all(1.0F / 720.0F);
  p = multiply_add(p, r, all(1.0F / 120.0F));
  p = multiply_add(p, r, all(1.0F / 24.0F));
  p = multiply_add(p, r, all(1.0F / 6.0F));
  p = multiply_add(p, r, all(0.5F));
  p = multiply_add(p, r, all(1.0F));
  p = multiply_add(p, r, all(1.0F));
  const IntLanes bits = (__builtin_convertvector(n, IntLanes) + 127) << 23;
  return x < all(-87.0F) ? all(0.0F) : p * load<Lanes>(&bits);
}

/// Calls work(first, n) for registers' worth of [0, n), with the rest behind as fewer values.
template <typename Work, typename Rest>
inline void over(std::size_t n, const Work& work, const Rest& rest) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    work(i);
  }
  if (i < n) {
    rest(i, n - i);
  }
}

/// y[i] = f(x[i]).
template <typename Function>
inline void map(const float* x, std::size_t n, float* y, const Function& f) {
  over(
      n, [&](std::size_t i) { store(y + i, f(load<Lanes>(x + i), i)); },
      [&](std::size_t i, std::size_t left) {
        float some[kLanes] = {};
        std::memcpy(some, x + i, left * sizeof(float));
        store(some, f(load<Lanes>(some), i));
        std::memcpy(y + i, some, left * sizeof(float));
      });
}

/// Lane l: a[l] + a[l ^ kStep] where l has the bit kStep clear, else the same of b.
template <std::size_t kStep>
inline Lanes merged(Lanes a, Lanes b) {
  IntLanes here{};
  IntLanes there{};
  for (std::size_t l = 0; l < kLanes; ++l) {
    const std::size_t from = (l & kStep) == 0 ? 0 : kLanes;
    here[l] = static_cast<std::int32_t>(from + l);
    there[l] = static_cast<std::int32_t>(from + (l ^ kStep));
  }
  return __builtin_shuffle(a, b, here) + __builtin_shuffle(a, b, there);
}

/// Lane l: the sum of the lanes of x[l]. x is used up.
template <std::size_t kStep = 1>
inline Lanes sums_of(Lanes* x) {
  for (std::size_t i = 0; i < kLanes; i += 2 * kStep) {
    x[i] = merged<kStep>(x[i], x[i + kStep]);
  }
  if constexpr (2 * kStep < kLanes) {
    return sums_of<2 * kStep>(x);
  } else {
    return x[0];
  }
}

template <typename T>
void scores(const Vectors& keys, const float* q, float* out) {
  constexpr std::size_t kParts = kHeadSize / kLanes;
  Lanes query[kParts];
  for (std::size_t p = 0; p < kParts; ++p) {
    query[p] = load<Lanes>(q + p * kLanes);
  }
  const auto products = [&](const T* key) {
    Lanes sum = query[0] * widened(key);
    for (std::size_t p = 1; p < kParts; ++p) {
      sum = multiply_add(query[p], widened(key + p * kLanes), sum);
    }
    return sum;
  };
  const T* key = static_cast<const T*>(keys.first);
  std::size_t i = 0;
  for (; i + kLanes <= keys.n; i += kLanes) {
    Lanes some[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l, key += keys.stride) {
      some[l] = products(key);
    }
    store(out + i, sums_of(some));
  }
  if (i < keys.n) {  // added up in the same order: where keys lie must not show
    Lanes some[kLanes] = {};
    for (std::size_t l = 0; l < keys.n - i; ++l, key += keys.stride) {
      some[l] = products(key);
    }
    const Lanes sums = sums_of(some);
    std::memcpy(out + i, &sums, (keys.n - i) * sizeof(float));
  }
}

template <typename T>
void add_weighted(const Vectors& values, const float* weights, float* out) {
  constexpr std::size_t kParts = kHeadSize / kLanes;
  Lanes sum[kParts];
  for (std::size_t p = 0; p < kParts; ++p) {
    sum[p] = load<Lanes>(out + p * kLanes);
  }
  const T* value = static_cast<const T*>(values.first);
  for (std::size_t i = 0; i < values.n; ++i, value += values.stride) {
    const Lanes weight = all(weights[i]);
    for (std::size_t p = 0; p < kParts; ++p) {
      sum[p] = multiply_add(weight, widened(value + p * kLanes), sum[p]);
    }
  }
  for (std::size_t p = 0; p < kParts; ++p) {
    store(out + p * kLanes, sum[p]);
  }
}

inline float total(const float* x, std::size_t n) {
  Lanes sums = all(0.0F);
  float rest = 0.0F;
  over(
      n, [&](std::size_t i) { sums += load<Lanes>(x + i); },
      [&](std::size_t i, std::size_t left) {
        for (std::size_t j = i; j < i + left; ++j) {
          rest += x[j];
        }
      });
  return rest + sum_of(sums);
}

float exponentials(float* x, std::size_t n, float* sum) {
  float max = x[0];
  Lanes maxima = all(x[0]);
  over(
      n, [&](std::size_t i) { maxima = larger(maxima, load<Lanes>(x + i)); },
      [&](std::size_t i, std::size_t left) {
        for (std::size_t j = i; j < i + left; ++j) {
          max = max > x[j] ? max : x[j];
        }
      });
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    max = max > maxima[lane] ? max : maxima[lane];
  }
  map(x, n, x, [&](Lanes value, std::size_t) { return exp_of(value - max); });
  *sum = total(x, n);
  return max;
}

/// n: a multiple of kBlock, as is every width of a Whisper.
void normalize(
    const float* x, std::size_t n, const float* gain, const float* shift, float epsilon, float* y) {
  Lanes sum = all(0.0F);
  for (std::size_t i = 0; i < n; i += kLanes) {
    sum += load<Lanes>(x + i);
  }
  const float mean = sum_of(sum) / static_cast<float>(n);
  Lanes squares = all(0.0F);
  for (std::size_t i = 0; i < n; i += kLanes) {
    const Lanes d = load<Lanes>(x + i) - mean;
    squares = multiply_add(d, d, squares);
  }
  const float factor = 1.0F / __builtin_sqrtf(sum_of(squares) / static_cast<float>(n) + epsilon);
  for (std::size_t i = 0; i < n; i += kLanes) {
    store(y + i,
          multiply_add((load<Lanes>(x + i) - mean) * factor, load<Lanes>(gain + i), load<Lanes>(shift + i)));
  }
}

/// erf within 1.5e-7. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
inline Lanes erf_of(Lanes x) {
  const Lanes z = x < all(0.0F) ? -x : x;
  const Lanes t = 1.0F / (1.0F + 0.3275911F * z);
  Lanes p = all(1.061405429F);
  p = multiply_add(p, t, all(-1.453152027F));
  p = multiply_add(p, t, all(1.421413741F));
  p = multiply_add(p, t, all(-0.284496736F));
  p = multiply_add(p, t, all(0.254829592F));
  const Lanes y = 1.0F - p * t * exp_of(-z * z);
  return x < all(0.0F) ? -y : y;
}

void gelu(float* x, std::size_t n) {
  map(x, n, x, [](Lanes v, std::size_t) { return 0.5F * v * (1.0F + erf_of(v * 0.70710678F)); });
}

void multiply(float* x, const float* scale, std::size_t n) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(x + i, load<Lanes>(x + i) * load<Lanes>(scale + i));
  }
  for (; i < n; ++i) {
    x[i] *= scale[i];
  }
}

void quantize(const float* x, std::size_t n, float low, float step, std::uint8_t* y) {
  const float per_value = 1.0F / step;
  const auto levels = [&](Lanes value) {
    const Lanes at = smaller(larger((value - low) * per_value, all(0.0F)), all(255.0F));
    return __builtin_convertvector(__builtin_convertvector(rounded(at), IntLanes), ByteLanes);
  };
  over(
      n, [&](std::size_t i) { store(y + i, levels(load<Lanes>(x + i))); },
      [&](std::size_t i, std::size_t left) {
        float some[kLanes] = {};
        std::memcpy(some, x + i, left * sizeof(float));
        const ByteLanes bytes = levels(load<Lanes>(some));
        std::memcpy(y + i, &bytes, left);
      });
}

/// Rounds to the nearest, half to even; values are finite.
inline std::uint32_t bf16_of(const float* x) {
  const auto bits = load<std::uint32_t>(x);
  return (bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U;
}

void to_bf16(const float* x, std::size_t n, std::uint16_t* y) {
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = static_cast<std::uint16_t>(bf16_of(x + i));
  }
}

void to_bf16_pairs(const float* even, const float* odd, std::size_t n, std::uint16_t* y) {
  for (std::size_t i = 0; i < n; ++i) {
    store(y + 2 * i, bf16_of(even + i) | bf16_of(odd + i) << 16U);
  }
}

inline std::size_t stride_of(const Product& product, const Rows& rows) {
  return rows.x_stride != 0 ? rows.x_stride : product.n_in;
}

constexpr std::size_t kBlockParts = kBlock / kLanes;  // registers that a block of outputs takes

/// Writes a block of sums, sum_x being that of the inputs: scaled, shifted, cut off behind the last output.
inline void put(const Product& product,
                const Rows& rows,
                std::size_t row,
                std::size_t block,
                const Lanes* sums,
                float sum_x = 0.0F) {
  Lanes out[kBlockParts];
  for (std::size_t p = 0; p < kBlockParts; ++p) {
    const std::size_t at = block * kBlock + p * kLanes;
    Lanes y = sums[p];
    if (product.zero_point != nullptr) {
      y -= load<Lanes>(product.zero_point + at) * sum_x;
    }
    const Lanes offset = load<Lanes>(product.offset + at);
    out[p] = product.scale == nullptr ? y + offset : multiply_add(y, load<Lanes>(product.scale + at), offset);
  }
  float* const to = rows.y + row * rows.y_stride + (block - rows.y_block) * kBlock;
  const std::size_t left = product.n_out - block * kBlock;
  if (left >= kBlock) {
    std::memcpy(to, out, sizeof(out));
  } else {
    std::memcpy(to, out, left * sizeof(float));
  }
}

/// The same of whole numbers.
inline void put_integers(
    const Product& product, const Rows& rows, std::size_t row, std::size_t block, const std::int32_t* sums) {
  Lanes floats[kBlockParts];
  for (std::size_t p = 0; p < kBlockParts; ++p) {
    floats[p] = __builtin_convertvector(load<IntLanes>(sums + p * kLanes), Lanes);
  }
  put(product, rows, row, block, floats);
}

/// kRows rows by kBlocks blocks at a time. `Widen` reads a register's worth of weights as floats.
template <typename T, std::size_t kRows, std::size_t kBlocks, typename Widen>
inline void multiply_tile(
    const Product& product, const Rows& rows, std::size_t row, std::size_t block, const Widen& widen) {
  constexpr std::size_t kParts = kBlocks * kBlock / kLanes;
  const T* weights = static_cast<const T*>(product.weights) + block * product.n_in * kBlock;
  const std::size_t stride = stride_of(product, rows);
  const float* x = static_cast<const float*>(rows.x) + row * stride;
  Lanes sums[kRows][kParts] = {};
  for (std::size_t k = 0; k < product.n_in; ++k) {
    Lanes weight[kParts];
    for (std::size_t p = 0; p < kParts; ++p) {
      weight[p] = widen(weights + (p / kBlockParts * product.n_in + k) * kBlock + p % kBlockParts * kLanes);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      const Lanes input = all(x[r * stride + k]);
      for (std::size_t p = 0; p < kParts; ++p) {
        sums[r][p] = multiply_add(weight[p], input, sums[r][p]);
      }
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const float sum_x = product.zero_point == nullptr ? 0.0F : total(x + r * stride, product.n_in);
    for (std::size_t b = 0; b < kBlocks; ++b) {
      put(product, rows, row + r, block + b, &sums[r][b * kBlockParts], sum_x);
    }
  }
}

/// Calls tile.run<kRows, kBlocks>(row, block) until all rows have met all blocks: at most kMostRows rows at a
/// time, two blocks where there are two, each weight read once for all rows of a tile.
template <std::size_t kMostRows, std::size_t kBlocks, typename Tile>
inline void over_rows(std::size_t row, std::size_t n_rows, std::size_t block, const Tile& tile) {
  for (; row + kMostRows <= n_rows; row += kMostRows) {
    tile.template run<kMostRows, kBlocks>(row, block);
  }
  if constexpr (kMostRows > 1) {
    over_rows<kMostRows / 2, kBlocks>(row, n_rows, block, tile);
  }
}

template <std::size_t kMostRows, typename Tile>
inline void over_tiles(std::size_t n_rows, std::size_t first, std::size_t last, const Tile& tile) {
  std::size_t block = first;
  for (; block + 2 <= last; block += 2) {
    over_rows<kMostRows, 2>(0, n_rows, block, tile);
  }
  if (block < last) {
    over_rows<kMostRows, 1>(0, n_rows, block, tile);
  }
}

template <typename T, typename Widen>
struct FloatTile {
  const Product& product;
  const Rows& rows;
  const Widen& widen;
  template <std::size_t kRows, std::size_t kBlocks>
  void run(std::size_t row, std::size_t block) const {
    multiply_tile<T, kRows, kBlocks>(product, rows, row, block, widen);
  }
};

template <typename T, typename Widen>
inline void multiply_floats(
    const Product& product, const Rows& rows, std::size_t first, std::size_t last, const Widen& widen) {
  over_tiles<kMostFloatRows>(rows.n_rows, first, last, FloatTile<T, Widen>{product, rows, widen});
}

void multiply_f32(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  multiply_floats<float>(product, rows, first, last, [](const float* x) { return widened(x); });
}
void multiply_bf16(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  multiply_floats<std::uint16_t>(product, rows, first, last,
                                 [](const std::uint16_t* x) { return widened(x); });
}
void multiply_int8_weights(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  multiply_floats<std::int8_t>(product, rows, first, last, [](const std::int8_t* x) { return widened(x); });
}

// What each file that includes this has in instructions of its own.
void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last);
inline Lanes widened_half(const std::uint16_t* f16);

void multiply_f16(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  multiply_floats<std::uint16_t>(product, rows, first, last,
                                 [](const std::uint16_t* x) { return widened_half(x); });
}

/// 2^t for t <= 0, as precise as what it is kept in.
template <typename T>
inline Lanes power_of_two(Lanes t);

/// Scores of queries by all keys, and the largest of each query.
void score(const Product& keys, const Queries& queries, float* max);

inline void score_by_product(const Product& keys, const Queries& queries, float* max) {
  const Rows rows{.x = queries.first,
                  .n_rows = queries.n,
                  .y = queries.scores,
                  .y_stride = keys.n_out,
                  .x_stride = queries.stride};
  multiply_int8(keys, rows, 0, keys.n_out / kBlock);
  for (std::size_t r = 0; r < queries.n; ++r) {
    const float* const scores = queries.scores + r * keys.n_out;
    max[r] = scores[0];
    for (std::size_t i = 1; i < keys.n_out; ++i) {
      max[r] = max[r] > scores[i] ? max[r] : scores[i];
    }
  }
}

inline void put_weights(Lanes first, Lanes second, float* to) {
  store(to, first);
  store(to + kLanes, second);
}
inline void put_weights(Lanes first, Lanes second, std::uint16_t* to) {
  float both[2 * kLanes];
  store(both, first);
  store(both + kLanes, second);
  to_bf16(both, 2 * kLanes, to);
}

/// Turns a query's scores into weights in place, and returns their sum.
template <typename T>
inline float weigh(float* scores, std::size_t n, float max) {
  auto* const weights = reinterpret_cast<T*>(scores);  // no wider: what is read is never overwritten before
  Lanes sums[2] = {};
  for (std::size_t i = 0; i < n; i += 2 * kLanes) {
    const Lanes first = power_of_two<T>(load<Lanes>(scores + i) - max);
    const Lanes second = power_of_two<T>(load<Lanes>(scores + i + kLanes) - max);
    sums[0] += first;
    sums[1] += second;
    put_weights(first, second, weights + i);
  }
  return sum_of(sums[0] + sums[1]);
}

constexpr std::size_t kMostQueries = kLanes == 16 ? 4 : 1;  // as registers for their sums allow
constexpr std::size_t kHeadParts = kHeadSize / kLanes;

/// Σ weight · value of kRows queries whose weights are `stride` apart.
template <std::size_t kRows>
void sum_values(
    const float* values, const float* weights, std::size_t stride, std::size_t n, Lanes (*sums)[kHeadParts]) {
  for (std::size_t i = 0; i < n; ++i, values += kHeadSize) {
    Lanes value[kHeadParts];
    for (std::size_t p = 0; p < kHeadParts; ++p) {
      value[p] = load<Lanes>(values + p * kLanes);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      const Lanes weight = all(weights[r * stride + i]);
      for (std::size_t p = 0; p < kHeadParts; ++p) {
        sums[r][p] = multiply_add(weight, value[p], sums[r][p]);
      }
    }
  }
}

inline Lanes of_upper_half(IntLanes bits) {
  return load<Lanes>(&bits);
}

template <std::size_t kRows>
void sum_values(const std::uint16_t* values,
                const std::uint16_t* weights,
                std::size_t stride,
                std::size_t n,
                Lanes (*sums)[kHeadParts]) {
  for (std::size_t i = 0; i < n; i += 2, values += 2 * kHeadSize) {
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto both = static_cast<std::int32_t>(load<std::uint32_t>(weights + r * stride + i));
      const Lanes even = of_upper_half(IntLanes{} + (both << 16));
      const Lanes odd = of_upper_half((IntLanes{} + both) & ~0xFFFF);
      for (std::size_t p = 0; p < kHeadParts; ++p) {
        const auto pairs = load<IntLanes>(values + 2 * p * kLanes);
        sums[r][p] = multiply_add(even, of_upper_half(pairs << 16), sums[r][p]);
        sums[r][p] = multiply_add(odd, of_upper_half(pairs & ~0xFFFF), sums[r][p]);
      }
    }
  }
}

/// Queries from `row` on, as many at a time as there are left.
template <typename T, std::size_t kRows, typename Sum>
inline void attend_rows(
    const HeadKeys& head, const Queries& queries, const float* totals, std::size_t row, const Sum& sum) {
  const std::size_t n = head.keys.n_out;
  const std::size_t stride = n * sizeof(float) / sizeof(T);
  for (; row + kRows <= queries.n; row += kRows) {
    Lanes sums[kRows][kHeadParts] = {};
    sum.template run<kRows>(static_cast<const T*>(head.values),
                            reinterpret_cast<const T*>(queries.scores) + row * stride, stride, n, sums);
    for (std::size_t r = 0; r < kRows; ++r) {
      const float factor = 1.0F / totals[row + r];
      for (std::size_t p = 0; p < kHeadParts; ++p) {
        store(queries.out + (row + r) * kHeadSize + p * kLanes, sums[r][p] * factor);
      }
    }
  }
  if constexpr (kRows > 1) {
    attend_rows<T, kRows / 2>(head, queries, totals, row, sum);
  }
}

struct SumValues {
  template <std::size_t kRows, typename T>
  void run(
      const T* values, const T* weights, std::size_t stride, std::size_t n, Lanes (*sums)[kHeadParts]) const {
    sum_values<kRows>(values, weights, stride, n, sums);
  }
};

template <typename T, typename Sum = SumValues>
void attend(const HeadKeys& head, const Queries& queries) {
  float max[kQueries];
  float totals[kQueries];
  score(head.keys, queries, max);
  for (std::size_t r = 0; r < queries.n; ++r) {
    totals[r] = weigh<T>(queries.scores + r * head.keys.n_out, head.keys.n_out, max[r]);
  }
  attend_rows<T, kMostQueries>(head, queries, totals, 0, Sum());
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
          .attend_f32 = attend<float>,
          .attend_bf16 = attend<std::uint16_t>,
          .normalize = normalize,
          .gelu = gelu,
          .multiply = multiply,
          .quantize = quantize,
          .to_bf16 = to_bf16,
          .to_bf16_pairs = to_bf16_pairs};
}

}  // namespace
}  // namespace sotto::engine
