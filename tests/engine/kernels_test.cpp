#include "engine/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tested_kernels.h"

namespace sotto::engine {
namespace {

std::vector<float> random_values(std::size_t n, float magnitude, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, magnitude);
  std::vector<float> values(n);
  std::ranges::generate(values, [&] { return normal(random); });
  return values;
}

std::vector<std::uint16_t> as_bf16(const std::vector<float>& values) {
  std::vector<std::uint16_t> bits(values.size());
  plain_kernels().to_bf16(values.data(), values.size(), bits.data());
  return bits;
}

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
};

TEST_P(KernelsTest, MultiplyInt8EqualsWholeNumbers) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> any_u8(0, 255);
  std::uniform_int_distribution<int> any_i8(-128, 127);
  for (const std::size_t n_rows : {1, 2, 3, 7, 8, 9, 16, 21, 32, 59}) {
    for (const auto& [n_out, n_in] : std::vector<std::pair<std::size_t, std::size_t>>{
             {1, 68}, {15, 4}, {16, 64}, {17, 128}, {48, 68}, {50, 196}}) {
      const std::size_t n_blocks = (n_out + kBlock - 1) / kBlock;
      std::vector<std::uint8_t> x(n_rows * n_in);
      std::vector<std::int8_t> weights(n_blocks * kBlock * n_in);
      std::ranges::generate(x, [&] { return static_cast<std::uint8_t>(any_u8(random)); });
      std::ranges::generate(weights, [&] { return static_cast<std::int8_t>(any_i8(random)); });
      x[0] = 255;  // with its neighbour beyond what 16 bits hold
      x[1] = 255;
      weights[0] = 127;
      weights[1] = 127;
      const std::vector<float> scale = random_values(n_blocks * kBlock, 1.0F, 2);
      const std::vector<float> offset = random_values(n_blocks * kBlock, 1.0F, 3);
      const std::size_t stride = n_out + 3;
      std::vector<float> y(n_rows * stride, -1.0F);
      kernels().multiply_int8({.weights = weights.data(),
                               .scale = scale.data(),
                               .offset = offset.data(),
                               .n_in = n_in,
                               .n_out = n_out},
                              {x.data(), n_rows, y.data(), stride}, 0, n_blocks);
      for (std::size_t row = 0; row < n_rows; ++row) {
        for (std::size_t out = 0; out < stride; ++out) {
          if (out >= n_out) {
            ASSERT_EQ(y[row * stride + out], -1.0F) << "written behind the last output";
            continue;
          }
          std::int32_t sum = 0;
          for (std::size_t k = 0; k < n_in; ++k) {
            const std::size_t quad = (out / kBlock * (n_in / kQuad) + k / kQuad) * kBlock + out % kBlock;
            sum += x[row * n_in + k] * weights[quad * kQuad + k % kQuad];
          }
          const float expected = static_cast<float>(sum) * scale[out] + offset[out];
          ASSERT_NEAR(y[row * stride + out], expected, 1e-6F * std::abs(expected) + 1e-3F);
        }
      }
    }
  }
}

TEST_P(KernelsTest, RowsThatOverlapAndOutputsOfSomeBlocks) {
  const std::size_t n_in = 12;
  const std::size_t stride = 4;
  const std::size_t n_rows = 11;
  std::vector<std::uint8_t> x((n_rows - 1) * stride + n_in);
  std::vector<std::int8_t> weights(3 * kBlock * n_in);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    x[i % x.size()] = static_cast<std::uint8_t>(i * 37 % 256);
    weights[i] = static_cast<std::int8_t>(static_cast<int>(i * 53 % 255) - 127);
  }
  const std::vector<float> offset(3 * kBlock, 0.5F);
  const Product product{
      .weights = weights.data(), .offset = offset.data(), .n_in = n_in, .n_out = 3 * kBlock - 5};
  std::vector<float> all(n_rows * 3 * kBlock);
  for (std::size_t row = 0; row < n_rows; ++row) {
    kernels().multiply_int8(product, {x.data() + row * stride, 1, all.data() + row * 3 * kBlock, 3 * kBlock},
                            0, 3);
  }
  std::vector<float> some(n_rows * 2 * kBlock, -1.0F);
  kernels().multiply_int8(product,
                          {.x = x.data(),
                           .n_rows = n_rows,
                           .y = some.data(),
                           .y_stride = 2 * kBlock,
                           .x_stride = stride,
                           .y_block = 1},
                          1, 3);
  for (std::size_t row = 0; row < n_rows; ++row) {
    for (std::size_t out = 0; out < 2 * kBlock; ++out) {
      const bool is_output = kBlock + out < product.n_out;
      EXPECT_EQ(some[row * 2 * kBlock + out], is_output ? all[(row * 3 + 1) * kBlock + out] : -1.0F);
    }
  }
}

/// Keys and values of one head, and what queries attend to in them.
struct Head {
  static constexpr std::size_t kStride = 3 * kHeadSize;  // of other heads in between
  static constexpr std::size_t kMostQueries = 16;
  std::size_t n = 0;
  std::size_t n_padded = 0;
  std::vector<std::uint8_t> queries;
  std::vector<std::int8_t> keys;  ///< packed
  std::vector<float> scale;
  std::vector<float> offset;
  std::vector<float> values;  ///< [n_padded, kHeadSize]

  explicit Head(std::size_t n_keys, float sharpness)
      : n(n_keys),
        n_padded((n + 31) / 32 * 32),
        queries(kMostQueries * kStride),
        keys(n_padded * kHeadSize, 0),
        scale(n_padded, sharpness),
        offset(random_values(n_padded, 1.0F, 3)),
        values(random_values(n_padded * kHeadSize, 1.0F, 4)) {
    std::mt19937 random(5);
    std::ranges::generate(queries, [&] { return static_cast<std::uint8_t>(random() % 256); });
    for (std::size_t i = 0; i < n * kHeadSize; ++i) {
      keys[packed(i / kHeadSize, i % kHeadSize)] =
          static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
    }
    std::fill(offset.begin() + static_cast<std::ptrdiff_t>(n), offset.end(), kNoKey);
    std::fill(values.begin() + static_cast<std::ptrdiff_t>(n * kHeadSize), values.end(), 0.0F);
  }

  static std::size_t packed(std::size_t key, std::size_t i) {
    return key / kBlock * kBlock * kHeadSize + (i / kQuad * kBlock + key % kBlock) * kQuad + i % kQuad;
  }

  std::vector<float> run(const Kernels& kernels,
                         void (*attend)(const HeadKeys&, const Queries&),
                         const void* store,
                         const float* value_scale,
                         std::size_t n_queries) {
    std::vector<float> out(n_queries * kHeadSize);
    std::vector<float> scratch(scratch_size(kernels.n_queries, n_padded));
    attend({.keys = {.weights = keys.data(),
                     .scale = scale.data(),
                     .offset = offset.data(),
                     .n_in = kHeadSize,
                     .n_out = n_padded},
            .values = store,
            .value_scale = value_scale},
           {.first = queries.data(),
            .n = n_queries,
            .stride = kStride,
            .scratch = scratch.data(),
            .out = out.data()});
    return out;
  }

  double expected(std::size_t query, std::size_t i) const {
    std::vector<double> scores(n);
    for (std::size_t key = 0; key < n; ++key) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k < kHeadSize; ++k) {
        sum += queries[query * kStride + k] * keys[packed(key, k)];
      }
      scores[key] =
          static_cast<double>(sum) * static_cast<double>(scale[key]) + static_cast<double>(offset[key]);
    }
    const double max = *std::ranges::max_element(scores);
    double total = 0.0;
    double value = 0.0;
    for (std::size_t key = 0; key < n; ++key) {
      const double weight = std::exp2(scores[key] - max);
      total += weight;
      value += weight * static_cast<double>(values[key * kHeadSize + i]);
    }
    return value / total;
  }
};

TEST_P(KernelsTest, AttentionOfQueriesInEightBits) {
  for (const std::size_t n_keys : {1, 5, 32, 37, 200}) {
    for (const float sharpness : {1e-6F, 1e-4F, 1e-2F}) {
      Head head(n_keys, sharpness);
      std::vector<std::int8_t> packed(head.values.size());
      std::vector<float> scale(kHeadSize);
      kernels().pack_values(head.values.data(), head.n_padded, packed.data(), scale.data());
      for (std::size_t n_queries = 1; n_queries <= kernels().n_queries; ++n_queries) {
        const std::vector<float> f32 =
            head.run(kernels(), kernels().attend_f32, head.values.data(), nullptr, n_queries);
        const std::vector<float> int8 =
            head.run(kernels(), kernels().attend_int8, packed.data(), scale.data(), n_queries);
        for (std::size_t i = 0; i < f32.size(); ++i) {
          const double expected = head.expected(i / kHeadSize, i % kHeadSize);
          ASSERT_NEAR(f32[i], expected, 2e-5) << n_keys << " keys, query " << i / kHeadSize;
          // Half a step of the values, and of the weights of those that share a scale.
          ASSERT_NEAR(int8[i], expected, 0.03) << n_keys << " keys, query " << i / kHeadSize;
        }
      }
    }
  }
}

/// Another processor of the same kind hears the same words.
TEST(Kernels, AttentionInTilesIsThatInRegisters) {
  for (const Kernels* kernels : tested_kernels()) {
    if (kernels->n_queries != Head::kMostQueries) {
      continue;
    }
    Head head(300, 1e-4F);
    std::vector<std::int8_t> packed(head.values.size());
    std::vector<float> scale(kHeadSize);
    kernels->pack_values(head.values.data(), head.n_padded, packed.data(), scale.data());
    const Kernels& in_registers = *avx512_kernels();
    const auto in_tiles = head.run(*kernels, kernels->attend_int8, packed.data(), scale.data(), 16);
    const auto f32 = head.run(*kernels, kernels->attend_f32, head.values.data(), nullptr, 16);
    for (std::size_t query = 0; query < 16; ++query) {
      const auto at = static_cast<std::ptrdiff_t>(query * kHeadSize);
      const auto expect_same = [&](const std::vector<float>& tiles, const std::vector<float>& registers) {
        EXPECT_TRUE(std::equal(registers.begin(), registers.end(), tiles.begin() + at))
            << kernels->name << ", query " << query;
      };
      expect_same(in_tiles, head.run(in_registers, in_registers.attend_int8, packed.data(), scale.data(), 1));
      expect_same(f32, head.run(in_registers, in_registers.attend_f32, head.values.data(), nullptr, 1));
      head.queries.erase(head.queries.begin(), head.queries.begin() + Head::kStride);
    }
  }
}

/// One key that a query likes best, and a thousand of which each has less than a step of its weight.
TEST_P(KernelsTest, APeakDoesNotRoundAwayTheRest) {
  Head head(1000, 0.0F);
  std::ranges::fill(head.offset, kNoKey);
  std::fill_n(head.offset.begin(), 1000, -10.0F);
  head.offset[40] = 0.0F;
  std::ranges::fill(head.values, -1.0F);
  std::fill_n(head.values.begin() + 40 * kHeadSize, kHeadSize, 1.0F);
  std::vector<std::int8_t> packed(head.values.size());
  std::vector<float> scale(kHeadSize);
  kernels().pack_values(head.values.data(), head.n_padded, packed.data(), scale.data());
  const float rest = 999.0F / 1024.0F;
  for (const float x :
       head.run(kernels(), kernels().attend_int8, packed.data(), scale.data(), kernels().n_queries)) {
    EXPECT_NEAR(x, (1.0F - rest) / (1.0F + rest), 0.02F);
  }
}

TEST_P(KernelsTest, PackValuesByColumn) {
  const std::size_t n = 12;
  std::vector<float> values = random_values(n * kHeadSize, 2.0F, 8);
  for (std::size_t i = 0; i < n; ++i) {
    values[i * kHeadSize + 5] = 0.0F;  // a column of nothing else
  }
  std::vector<std::int8_t> packed(values.size());
  std::vector<float> scale(kHeadSize);
  kernels().pack_values(values.data(), n, packed.data(), scale.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t column = i % kHeadSize;
    const std::size_t row = i / kHeadSize;
    const auto integer = packed[(row / kQuad * kHeadSize + column) * kQuad + row % kQuad];
    EXPECT_NEAR(values[i], scale[column] * static_cast<float>(integer), 0.501F * scale[column]);
    EXPECT_GE(integer, -127);
  }
}

TEST_P(KernelsTest, GeluInLevels) {
  std::vector<float> x(81 * kBlock);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 0.01F * (static_cast<float>(i) - 650.0F);
  }
  x.back() = 1e30F;
  const std::vector<float> scale = random_values(x.size(), 1.0F, 4);
  for (const float* const scales : {static_cast<const float*>(nullptr), scale.data()}) {
    for (const std::size_t n : {x.size(), std::size_t{16}}) {
      std::vector<std::uint8_t> levels(n);
      kernels().gelu_quantize(x.data(), scales, n, -1.0F, 0.04F, levels.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double value = static_cast<double>(x[i]);
        const double gelu = 0.5 * value * (1.0 + std::erf(value / std::sqrt(2.0)));
        const double scaled = gelu * (scales == nullptr ? 1.0 : static_cast<double>(scales[i]));
        ASSERT_NEAR(levels[i], std::clamp((scaled + 1.0) / 0.04, 0.0, 255.0), 0.51) << x[i];
      }
    }
  }
}

TEST_P(KernelsTest, Add) {
  for (const std::size_t n : {1, 16, 37}) {
    std::vector<float> x = random_values(n, 1.0F, 1);
    const std::vector<float> before = x;
    const std::vector<float> y = random_values(n, 1.0F, 2);
    kernels().add(x.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(x[i], before[i] + y[i]);
    }
  }
}

using Multiply = void (*)(const Product&, const Rows&, std::size_t, std::size_t);

void expect_product(Multiply multiply, const void* weights, const std::vector<float>& values) {
  const std::size_t n_in = 37;
  const std::size_t n_out = 50;
  const std::size_t n_blocks = 4;
  for (const std::size_t n_rows : {1, 2, 3, 5, 8, 17}) {
    const std::vector<float> x = random_values(n_rows * n_in, 1.0F, 5);
    const std::vector<float> offset = random_values(n_blocks * kBlock, 1.0F, 6);
    std::vector<float> y(n_rows * n_out);
    const Rows rows{x.data(), n_rows, y.data(), n_out};
    const Product product{.weights = weights, .offset = offset.data(), .n_in = n_in, .n_out = n_out};
    multiply(product, rows, 0, 1);
    multiply(product, rows, 1, n_blocks);
    for (std::size_t row = 0; row < n_rows; ++row) {
      for (std::size_t out = 0; out < n_out; ++out) {
        double expected = static_cast<double>(offset[out]);
        for (std::size_t k = 0; k < n_in; ++k) {
          const float weight = values[(out / kBlock * n_in + k) * kBlock + out % kBlock];
          expected += static_cast<double>(x[row * n_in + k]) * static_cast<double>(weight);
        }
        ASSERT_NEAR(y[row * n_out + out], expected, 1e-5) << n_rows << " " << row << " " << out;
      }
    }
  }
}

TEST_P(KernelsTest, MultiplyFloats) {
  std::vector<float> values = random_values(std::size_t{4} * kBlock * 37, 1.0F, 4);
  expect_product(kernels().multiply_f32, values.data(), values);
  const std::vector<std::uint16_t> bits = as_bf16(values);
  std::ranges::transform(bits, values.begin(), from_bf16);
  expect_product(kernels().multiply_bf16, bits.data(), values);
}

TEST_P(KernelsTest, MultiplyHalves) {
  // Every kind of f16: zeros, subnormals, normals, both signs.
  const std::vector<std::pair<std::uint16_t, float>> halves = {
      {0x0000, 0.0F}, {0x8000, -0.0F},       {0x0001, 0x1p-24F}, {0x83FF, -0x1.ff8p-15F}, {0x0400, 0x1p-14F},
      {0x3C00, 1.0F}, {0xBC01, -0x1.004p0F}, {0x7BFF, 65504.0F}, {0x3555, 0x1.554p-2F}};
  const std::size_t n = std::size_t{4} * kBlock * 37;
  std::vector<std::uint16_t> bits(n);
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& [half, value] = halves[i * 7 % 8 == 7 ? 8 : i * 5 % (halves.size() - 2)];
    bits[i] = half;
    values[i] = value;
  }
  expect_product(kernels().multiply_f16, bits.data(), values);
}

// Else a recording's words could depend on what it shares a batch with.
TEST_P(KernelsTest, ARowIsTheSameWhateverIsComputedWithIt) {
  const std::size_t n_in = 64;
  const std::size_t n_blocks = 5;
  const std::size_t n_out = n_blocks * kBlock;
  std::vector<std::int8_t> integers(n_out * n_in);
  for (std::size_t i = 0; i < integers.size(); ++i) {
    integers[i] = static_cast<std::int8_t>(static_cast<int>(i * 53 % 256) - 128);
  }
  const std::vector<std::uint16_t> bf16 = as_bf16(random_values(n_out * n_in, 1.0F, 30));
  const std::vector<float> scale = random_values(n_out, 0.01F, 31);
  const std::vector<float> offset = random_values(n_out, 1.0F, 32);
  const std::vector<float> x = random_values(13 * n_in, 1.0F, 33);
  std::vector<std::uint8_t> levels(x.size());
  kernels().quantize(x.data(), x.size(), -3.0F, 0.025F, levels.data());
  const auto check = [&](Multiply multiply, const void* weights, const auto& input) {
    const Product product{
        .weights = weights, .scale = scale.data(), .offset = offset.data(), .n_in = n_in, .n_out = n_out};
    std::vector<float> alone(13 * n_out);
    for (std::size_t row = 0; row < 13; ++row) {
      multiply(product, {input.data() + row * n_in, 1, alone.data() + row * n_out, n_out}, 0, n_blocks);
    }
    for (const std::size_t n_rows : {2, 3, 4, 8, 13}) {
      for (const std::size_t cut : {1, 2, 3}) {
        std::vector<float> together(13 * n_out);
        multiply(product, {input.data(), n_rows, together.data(), n_out}, 0, cut);
        multiply(product, {input.data(), n_rows, together.data(), n_out}, cut, n_blocks);
        ASSERT_TRUE(std::equal(together.begin(),
                               together.begin() + static_cast<std::ptrdiff_t>(n_rows * n_out), alone.begin()))
            << n_rows << " rows, cut at " << cut;
      }
    }
  };
  check(kernels().multiply_int8, integers.data(), levels);
  check(kernels().multiply_int8_weights, integers.data(), x);
  check(kernels().multiply_bf16, bf16.data(), x);
  check(kernels().multiply_f16, bf16.data(), x);
}

TEST_P(KernelsTest, MultiplyInt8WeightsWithZeroPoints) {
  const std::size_t n_in = 33;
  const std::size_t n_out = 20;
  std::vector<std::int8_t> weights(std::size_t{2} * kBlock * n_in);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<std::int8_t>(static_cast<int>(i * 91 % 256) - 128);
  }
  const std::vector<float> scale = random_values(std::size_t{2} * kBlock, 0.1F, 20);
  const std::vector<float> offset = random_values(std::size_t{2} * kBlock, 1.0F, 21);
  std::vector<float> zero_point(std::size_t{2} * kBlock);
  for (std::size_t i = 0; i < zero_point.size(); ++i) {
    zero_point[i] = static_cast<float>(i) * 7.0F - 100.0F;
  }
  const std::vector<float> x = random_values(3 * n_in, 1.0F, 22);
  std::vector<float> y(3 * n_out);
  const Product product{.weights = weights.data(),
                        .scale = scale.data(),
                        .offset = offset.data(),
                        .zero_point = zero_point.data(),
                        .n_in = n_in,
                        .n_out = n_out};
  kernels().multiply_int8_weights(product, {x.data(), 3, y.data(), n_out}, 0, 2);
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t out = 0; out < n_out; ++out) {
      double sum = 0.0;
      for (std::size_t k = 0; k < n_in; ++k) {
        const double integer = weights[(out / kBlock * n_in + k) * kBlock + out % kBlock];
        sum += static_cast<double>(x[row * n_in + k]) * (integer - static_cast<double>(zero_point[out]));
      }
      ASSERT_NEAR(y[row * n_out + out],
                  sum * static_cast<double>(scale[out]) + static_cast<double>(offset[out]), 2e-3);
    }
  }
}

TEST_P(KernelsTest, Attention) {
  for (const std::size_t n : {1, 2, 15, 16, 17, 33, 100}) {
    const std::size_t stride = kHeadSize + 8;
    const std::vector<float> q = random_values(kHeadSize, 1.0F, 7);
    std::vector<float> keys = random_values(n * stride, 1.0F, 8);
    const std::vector<std::uint16_t> bits = as_bf16(keys);
    const auto check = [&](auto scores, auto add_weighted, const void* vectors) {
      std::vector<float> got(n);
      scores({vectors, n, stride}, q.data(), got.data());
      std::vector<float> sum(kHeadSize, 0.5F);
      add_weighted({vectors, n, stride}, got.data(), sum.data());
      std::vector<double> expected_sum(kHeadSize, 0.5);
      for (std::size_t i = 0; i < n; ++i) {
        double expected = 0.0;
        for (std::size_t d = 0; d < kHeadSize; ++d) {
          expected += static_cast<double>(q[d]) * static_cast<double>(keys[i * stride + d]);
          expected_sum[d] += static_cast<double>(got[i]) * static_cast<double>(keys[i * stride + d]);
        }
        ASSERT_NEAR(got[i], expected, 1e-4);
      }
      for (std::size_t d = 0; d < kHeadSize; ++d) {
        ASSERT_NEAR(sum[d], expected_sum[d], 1e-3);
      }
    };
    check(kernels().scores_f32, kernels().add_weighted_f32, keys.data());
    std::ranges::transform(bits, keys.begin(), from_bf16);
    check(kernels().scores_bf16, kernels().add_weighted_bf16, bits.data());
  }
}

TEST_P(KernelsTest, AttentionIsTheSameHoweverKeysAreCut) {
  const std::size_t n = 50;
  const std::vector<float> q = random_values(kHeadSize, 1.0F, 40);
  const std::vector<float> keys = random_values(n * kHeadSize, 1.0F, 41);
  const auto run = [&](std::size_t cut) {
    std::vector<float> scores(n);
    std::vector<float> sum(kHeadSize);
    kernels().scores_f32({keys.data(), cut, kHeadSize}, q.data(), scores.data());
    kernels().scores_f32({keys.data() + cut * kHeadSize, n - cut, kHeadSize}, q.data(), scores.data() + cut);
    kernels().add_weighted_f32({keys.data(), cut, kHeadSize}, scores.data(), sum.data());
    kernels().add_weighted_f32({keys.data() + cut * kHeadSize, n - cut, kHeadSize}, scores.data() + cut,
                               sum.data());
    scores.insert(scores.end(), sum.begin(), sum.end());
    return scores;
  };
  const std::vector<float> whole = run(0);
  for (std::size_t cut = 1; cut < n; ++cut) {
    ASSERT_EQ(run(cut), whole) << cut;
  }
}

TEST_P(KernelsTest, ExponentialsOfWhatIsLeftOfTheLargest) {
  for (const std::size_t n : {1, 3, 16, 31, 1500}) {
    const std::vector<float> x = random_values(n, 20.0F, 9);
    std::vector<float> got = x;
    float sum = 0.0F;
    const float max = kernels().exponentials(got.data(), n, &sum);
    ASSERT_EQ(max, *std::ranges::max_element(x));
    double expected_sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double below = static_cast<double>(x[i]) - static_cast<double>(max);  // rounded to f32 there
      const double expected = std::exp(below);
      expected_sum += expected;
      ASSERT_NEAR(got[i], expected, (5e-7 - 1e-7 * below) * expected + 1e-37);
    }
    ASSERT_NEAR(sum, expected_sum, 1e-5 * expected_sum);
  }
}

TEST_P(KernelsTest, Normalize) {
  const std::size_t n = 80;
  std::vector<float> x = random_values(n, 3.0F, 10);
  std::ranges::transform(x, x.begin(), [](float value) { return value + 40.0F; });
  const std::vector<float> gain = random_values(n, 1.0F, 11);
  const std::vector<float> shift = random_values(n, 1.0F, 12);
  std::vector<float> y(n);
  kernels().normalize(x.data(), n, gain.data(), shift.data(), 1e-5F, y.data());
  double mean = 0.0;
  double variance = 0.0;
  for (const float value : x) {
    mean += static_cast<double>(value) / n;
  }
  for (const float value : x) {
    variance += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean) / n;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double expected = (static_cast<double>(x[i]) - mean) / std::sqrt(variance + 1e-5);
    ASSERT_NEAR(y[i], expected * static_cast<double>(gain[i]) + static_cast<double>(shift[i]), 2e-5);
  }
}

TEST_P(KernelsTest, Gelu) {
  std::vector<float> x;
  for (int i = -900; i <= 900; ++i) {
    x.push_back(static_cast<float>(i) / 100.0F);
  }
  std::vector<float> y = x;
  kernels().gelu(y.data(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto value = static_cast<double>(x[i]);
    ASSERT_NEAR(y[i], 0.5 * value * (1.0 + std::erf(value / std::sqrt(2.0))), 1e-6);
  }
}

TEST_P(KernelsTest, QuantizeRoundsHalfToEvenAndKeepsInside) {
  const std::vector<float> x = {-9.0F,  -1.0F,  -0.99F, -0.75F, -0.25F, 0.0F,  0.25F, 0.75F, 1.25F, 62.0F,
                                126.4F, 126.5F, 127.0F, 900.0F, 3.25F,  -0.5F, 0.5F,  1.0F,  0.26F};
  std::vector<std::uint8_t> got(x.size());
  kernels().quantize(x.data(), x.size(), -1.0F, 0.5F, got.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double level = std::clamp((static_cast<double>(x[i]) + 1.0) / 0.5, 0.0, 255.0);
    ASSERT_EQ(got[i], static_cast<std::uint8_t>(std::nearbyint(level))) << x[i];
  }
}

TEST_P(KernelsTest, MultiplyByScale) {
  const std::vector<float> x = random_values(21, 1.0F, 13);
  const std::vector<float> scale = random_values(21, 1.0F, 14);
  std::vector<float> y = x;
  kernels().multiply(y.data(), scale.data(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(y[i], x[i] * scale[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, KernelsTest, testing::ValuesIn(tested_kernels()), [](const auto& test) {
  return std::string(test.param->name);
});

}  // namespace
}  // namespace sotto::engine
