#include "engine/linear.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tested_kernels.h"

namespace sotto::engine {
namespace {

constexpr std::size_t kIn = 32;
constexpr std::size_t kOut = 21;

TEST(Linear, OfIntegersGivesTheDequantizedProduct) {
  std::vector<std::int8_t> integers(kIn * kOut);
  for (std::size_t i = 0; i < integers.size(); ++i) {
    integers[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
  }
  std::vector<float> scale(kOut);
  std::vector<float> bias(kOut);
  for (std::size_t i = 0; i < kOut; ++i) {
    scale[i] = 0.001F * static_cast<float>(i + 1);
    bias[i] = 0.1F * static_cast<float>(i) - 1.0F;
  }
  const InputForm form{.scale = {}, .is_quantized = true, .low = -1.5F, .step = 0.02F};
  const Linear linear({WeightStore::int8, integers.data(), kOut, kIn, scale}, form, bias, 0.5F);

  std::vector<std::uint8_t> levels(kIn);
  for (std::size_t k = 0; k < kIn; ++k) {
    levels[k] = static_cast<std::uint8_t>(k * 83 % 256);
  }
  for (const Kernels* kernels : tested_kernels()) {
    std::vector<float> y(kOut);
    linear.multiply(*kernels, {levels.data(), 1, y.data(), kOut}, 0, linear.n_blocks());
    for (std::size_t out = 0; out < kOut; ++out) {
      double expected = static_cast<double>(bias[out]);
      for (std::size_t k = 0; k < kIn; ++k) {
        const double x = -1.5 + 0.02 * levels[k];
        expected += x * integers[out * kIn + k] * static_cast<double>(scale[out]);
      }
      EXPECT_NEAR(y[out], 0.5 * expected, 1e-4 * std::abs(expected) + 1e-4) << kernels->name << " " << out;
    }
  }
}

TEST(Linear, OfFloatsPutsEachOutputInItsPlace) {
  std::vector<float> weights(kIn * kOut, 0.0F);
  for (std::size_t out = 0; out < kOut; ++out) {
    weights[out * kIn + out] = static_cast<float>(out + 1);
  }
  const Linear linear({WeightStore::f32, weights.data(), kOut, kIn, {}}, {}, {}, 2.0F);
  const std::vector<float> x(kIn, 1.0F);
  for (const Kernels* kernels : tested_kernels()) {
    std::vector<float> y(kOut);
    linear.multiply(*kernels, {x.data(), 1, y.data(), kOut}, 0, linear.n_blocks());
    for (std::size_t out = 0; out < kOut; ++out) {
      EXPECT_EQ(y[out], 2.0F * static_cast<float>(out + 1));
    }
  }
}

TEST(Linear, RoundsWhatComesOutWhereTheGraphDoes) {
  std::vector<float> weights(kIn * kOut, 0.0F);
  for (std::size_t out = 0; out < kOut; ++out) {
    weights[out * kIn] = 0.3F * static_cast<float>(out) - 2.0F;
  }
  Linear linear({WeightStore::f32, weights.data(), kOut, kIn, {}}, {}, {});
  linear.round_to({.low = -1.0F, .step = 0.25F, .factor = 0.5F});
  std::vector<float> x(2 * kIn, 0.0F);
  x[0] = 1.0F;
  x[kIn] = 40.0F;
  constexpr std::size_t kStride = kOut + 3;
  for (const Kernels* kernels : tested_kernels()) {
    std::vector<float> y(2 * kStride, 9.0F);
    // The second block alone, placed as if it were the first.
    linear.multiply(*kernels, {.x = x.data(), .n_rows = 2, .y = y.data(), .y_stride = kStride, .y_block = 1},
                    1, 2);
    for (std::size_t row = 0; row < 2; ++row) {
      for (std::size_t i = 0; i < kStride; ++i) {
        const std::size_t out = kBlock + i;
        const float value = out < kOut ? weights[out * kIn] * x[row * kIn] : 0.0F;
        const float rounded =
            0.5F * (-1.0F + 0.25F * std::clamp(std::nearbyint((value + 1.0F) / 0.25F), 0.0F, 255.0F));
        EXPECT_NEAR(y[row * kStride + i], out < kOut ? rounded : 9.0F, 1e-6) << kernels->name << " " << out;
      }
    }
  }
}

}  // namespace
}  // namespace sotto::engine
