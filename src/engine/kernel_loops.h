#pragma once

// The loops of Kernels over registers of kLanes floats; each file that includes this sets kLanes and is
// compiled for its own processors. Everything is local to that file.

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
  return x - Lanes{};  // + would make 0 of -0, and an instruction of that
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

/// GCC 12 makes two instructions of a > b ? a : b, and dozens of a conversion to bytes.
inline Lanes larger(Lanes a, Lanes b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Lanes>(_mm512_max_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Lanes>(_mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#else
  return a > b ? a : b;
#endif
}
inline Lanes smaller(Lanes a, Lanes b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Lanes>(_mm512_min_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Lanes>(_mm256_min_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#else
  return a < b ? a : b;
#endif
}
inline ByteLanes low_bytes(IntLanes x) {
#if defined(__AVX512F__)
  return reinterpret_cast<ByteLanes>(_mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(x)));
#elif defined(__AVX2__)
  const __m256i lowest = _mm256_set1_epi32(0x0C080400);  // of each half
  const __m256i halves = _mm256_shuffle_epi8(reinterpret_cast<__m256i>(x), lowest);
  const __m128i bytes =
      _mm_unpacklo_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  return load<ByteLanes>(&bytes);
#else
  return __builtin_convertvector(x, ByteLanes);
#endif
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

#if !defined(__F16C__)
inline float half_to_float(std::uint16_t half) {
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
#endif

inline Lanes widened_half(const std::uint16_t* x) {
#if defined(__AVX512F__)
  return reinterpret_cast<Lanes>(_mm512_cvtph_ps(load<__m256i>(x)));
#elif defined(__F16C__)
  return reinterpret_cast<Lanes>(_mm256_cvtph_ps(load<__m128i>(x)));
#else
  Lanes wide{};
  for (std::size_t i = 0; i < kLanes; ++i) {
    wide[i] = half_to_float(x[i]);
  }
  return wide;
#endif
}

inline ShortLanes low_halves(IntLanes x) {
#if defined(__AVX512F__)
  return reinterpret_cast<ShortLanes>(_mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(x)));
#else
  return __builtin_convertvector(x, ShortLanes);
#endif
}

/// 1.5 * 2^23: added to a magnitude below 2^22 it rounds it half to even, and the lowest bits of the sum are
/// the whole number.
constexpr float kRoundingShift = 12582912.0F;

inline Lanes rounded(Lanes x) {
  return (x + kRoundingShift) - kRoundingShift;
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

/// x of [0, 255] rounded half to even.
inline ByteLanes bytes_of(Lanes x) {
  const Lanes shifted = x + kRoundingShift;
  return low_bytes(load<IntLanes>(&shifted));
}

/// The numbers of the nearest of 256 values.
struct Levels {
  float low;
  float per_value;

  ByteLanes operator()(Lanes x) const {
    return bytes_of(smaller(larger((x - low) * per_value, all(0.0F)), all(255.0F)));
  }
};

/// y[i] = f(x[i]), f being given a register's worth and where it begins.
template <typename Function>
inline void map_to_bytes(const float* x, std::size_t n, std::uint8_t* y, const Function& f) {
  over(
      n, [&](std::size_t i) { store(y + i, f(load<Lanes>(x + i), i)); },
      [&](std::size_t i, std::size_t left) {
        float some[kLanes] = {};
        std::memcpy(some, x + i, left * sizeof(float));
        const ByteLanes bytes = f(load<Lanes>(some), i);
        std::memcpy(y + i, &bytes, left);
      });
}

void quantize(const float* x, std::size_t n, float low, float step, std::uint8_t* y) {
  const Levels levels{low, 1.0F / step};
  map_to_bytes(x, n, y, [&](Lanes value, std::size_t) { return levels(value); });
}

/// The normal distribution's part below x, within 1e-5: a polynomial of x², minimax on [-4.25, 4.25].
inline Lanes part_below(Lanes x) {
  const Lanes inside = smaller(larger(x, all(-4.25F)), all(4.25F));
  const Lanes s = inside * inside * 0.0553633218F;
  Lanes p = all(-0.524313629F);
  p = multiply_add(p, s, all(3.09575129F));
  p = multiply_add(p, s, all(-8.21572495F));
  p = multiply_add(p, s, all(13.0930853F));
  p = multiply_add(p, s, all(-14.1848392F));
  p = multiply_add(p, s, all(11.2430725F));
  p = multiply_add(p, s, all(-6.82627106F));
  p = multiply_add(p, s, all(3.23826694F));
  p = multiply_add(p, s, all(-1.20031679F));
  p = multiply_add(p, s, all(0.398933887F));
  return multiply_add(inside, p, all(0.5F));
}

/// n: a multiple of kBlock where there is a scale.
void gelu_quantize(
    const float* x, const float* scale, std::size_t n, float low, float step, std::uint8_t* y) {
  const Levels levels{low, 1.0F / step};
  if (scale == nullptr) {
    map_to_bytes(x, n, y, [&](Lanes v, std::size_t) { return levels(v * part_below(v)); });
  } else {
    map_to_bytes(x, n, y,
                 [&](Lanes v, std::size_t i) { return levels(v * part_below(v) * load<Lanes>(scale + i)); });
  }
}

void add(float* x, const float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(x + i, load<Lanes>(x + i) + load<Lanes>(y + i));
  }
  for (; i < n; ++i) {
    x[i] += y[i];
  }
}

/// Rounds to the nearest, half to even; values are finite.
void to_bf16(const float* x, std::size_t n, std::uint16_t* y) {
  const auto round = [](Lanes value) {
    const auto bits = load<IntLanes>(&value);
    return low_halves((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  };
  over(
      n, [&](std::size_t i) { store(y + i, round(load<Lanes>(x + i))); },
      [&](std::size_t i, std::size_t left) {
        float some[kLanes] = {};
        std::memcpy(some, x + i, left * sizeof(float));
        const ShortLanes halves = round(load<Lanes>(some));
        std::memcpy(y + i, &halves, left * sizeof(std::uint16_t));
      });
}

inline std::size_t stride_of(const Product& product, const Rows& rows) {
  return rows.x_stride != 0 ? rows.x_stride : product.n_in;
}

constexpr std::size_t kBlockParts = kBlock / kLanes;  // registers that a block of outputs takes

/// Where the sums of a block go: scaled, shifted, cut off behind the last output.
class Outputs {
 public:
  Outputs(const Product& product, const Rows& rows, std::size_t block)
      : to_(rows.y + (block - rows.y_block) * kBlock),
        stride_(rows.y_stride),
        n_(product.n_out - block * kBlock),
        has_zero_point_(product.zero_point != nullptr) {
    for (std::size_t p = 0; p < kBlockParts; ++p) {
      const std::size_t at = block * kBlock + p * kLanes;
      scale_[p] = product.scale == nullptr ? all(1.0F) : load<Lanes>(product.scale + at);
      offset_[p] = load<Lanes>(product.offset + at);
      zero_point_[p] = has_zero_point_ ? load<Lanes>(product.zero_point + at) : all(0.0F);
    }
  }

  /// sum_x: of the row's inputs, where there are zero points.
  void put(std::size_t row, const Lanes* sums, float sum_x = 0.0F) const {
    Lanes out[kBlockParts];
    for (std::size_t p = 0; p < kBlockParts; ++p) {
      const Lanes y = has_zero_point_ ? sums[p] - zero_point_[p] * sum_x : sums[p];
      out[p] = multiply_add(y, scale_[p], offset_[p]);
    }
    float* const to = to_ + row * stride_;
    if (n_ >= kBlock) {
      std::memcpy(to, out, sizeof(out));
    } else {
      std::memcpy(to, out, n_ * sizeof(float));
    }
  }

  /// The same of kBlock whole numbers.
  void put_integers(std::size_t row, const void* sums) const {
    Lanes floats[kBlockParts];
    for (std::size_t p = 0; p < kBlockParts; ++p) {
      const auto* const part = static_cast<const std::int32_t*>(sums) + p * kLanes;
      floats[p] = __builtin_convertvector(load<IntLanes>(part), Lanes);
    }
    put(row, floats);
  }

 private:
  float* to_;
  std::size_t stride_;
  std::size_t n_;
  bool has_zero_point_;
  Lanes scale_[kBlockParts];
  Lanes offset_[kBlockParts];
  Lanes zero_point_[kBlockParts];
};

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
  float sums_x[kRows] = {};
  for (std::size_t r = 0; product.zero_point != nullptr && r < kRows; ++r) {
    sums_x[r] = total(x + r * stride, product.n_in);
  }
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const Outputs outputs(product, rows, block + b);
    for (std::size_t r = 0; r < kRows; ++r) {
      outputs.put(row + r, &sums[r][b * kBlockParts], sums_x[r]);
    }
  }
}

/// Calls work<kRows>(row) until all rows from `row` on are done: at most kMostRows at a time.
template <std::size_t kMostRows, typename Work>
inline void over_rows(std::size_t row, std::size_t n_rows, const Work& work) {
  for (; row + kMostRows <= n_rows; row += kMostRows) {
    work.template operator()<kMostRows>(row);
  }
  if constexpr (kMostRows > 1) {
    over_rows<kMostRows / 2>(row, n_rows, work);
  }
}

/// Calls work<kBlocks>(block) until all blocks are done: two at a time where there are two.
template <typename Work>
inline void over_blocks(std::size_t first, std::size_t last, const Work& work) {
  std::size_t block = first;
  for (; block + 2 <= last; block += 2) {
    work.template operator()<2>(block);
  }
  if (block < last) {
    work.template operator()<1>(block);
  }
}

/// Calls work<kRows, kBlocks>(row, block) until all rows have met all blocks: each weight is read once for
/// all rows of a tile.
template <std::size_t kMostRows, typename Work>
inline void over_tiles(std::size_t n_rows, std::size_t first, std::size_t last, const Work& work) {
  over_blocks(first, last, [&]<std::size_t kBlocks>(std::size_t block) {
    over_rows<kMostRows>(0, n_rows, [&]<std::size_t kRows>(std::size_t row) {
      work.template operator()<kRows, kBlocks>(row, block);
    });
  });
}

constexpr std::size_t kMostFloatRows = kLanes == 16 ? 8 : kLanes == 8 ? 2 : 1;  // as registers allow

template <typename T, typename Widen>
inline void multiply_floats(
    const Product& product, const Rows& rows, std::size_t first, std::size_t last, const Widen& widen) {
  over_tiles<kMostFloatRows>(rows.n_rows, first, last,
                             [&]<std::size_t kRows, std::size_t kBlocks>(std::size_t row, std::size_t block) {
                               multiply_tile<T, kRows, kBlocks>(product, rows, row, block, widen);
                             });
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

void multiply_f16(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  multiply_floats<std::uint16_t>(product, rows, first, last,
                                 [](const std::uint16_t* x) { return widened_half(x); });
}

}  // namespace
}  // namespace sotto::engine
