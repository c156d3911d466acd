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

}  // namespace
}  // namespace sotto::engine
