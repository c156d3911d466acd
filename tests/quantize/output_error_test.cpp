#include "quantize/output_error.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace sotto::quantize {
namespace {

/// [outputs, inputs] of a MatMul that reads its weight transposed.
Weight matrix(std::size_t n_outputs, std::size_t n_inputs) {
  Weight weight;
  weight.shape = {n_outputs, n_inputs};
  weight.channel_axes = {0};
  weight.input_axis = 1;
  return weight;
}

TEST(OutputSqnr, IsThatOfTheProductsByHand) {
  const std::vector<float> values = {1.0F, 2.0F};
  const QuantizedWeight quantized{{1, 1}, {1.0F}, {0.0F}};  // the second value is off by 1
  const std::vector<std::vector<float>> tokens = {{3.0F, 1.0F}};
  // 1 * 3 + 2 * 1 = 5 becomes 1 * 3 + 1 * 1 = 4.
  EXPECT_NEAR(output_sqnr_db(matrix(1, 2), values, quantized, tokens, std::nullopt),
              10.0 * std::log10(25.0 / 1.0), 1e-4);
}

TEST(OutputSqnr, CountsTheRoundingOfTheInput) {
  const std::vector<float> values = {1.0F};
  const QuantizedWeight exact{{1}, {1.0F}, {0.0F}};
  const std::vector<std::vector<float>> tokens = {{1.4F}};
  // Levels are 0, 1, ... 255.
  EXPECT_NEAR(output_sqnr_db(matrix(1, 1), values, exact, tokens, TensorRange{0.0F, 255.0F}),
              10.0 * std::log10(1.4 * 1.4 / (0.4 * 0.4)), 1e-3);
  EXPECT_EQ(output_sqnr_db(matrix(1, 1), values, exact, tokens, std::nullopt),
            std::numeric_limits<double>::infinity());
}

TEST(OutputSqnr, AddsTheTapsOfAConvolution) {
  Weight weight;
  weight.shape = {1, 1, 3};  // output, input, width
  weight.channel_axes = {0};
  weight.input_axis = 1;
  const std::vector<float> values = {1.0F, 1.0F, 2.0F};
  const QuantizedWeight quantized{{1, 1, 1}, {1.0F}, {0.0F}};
  const std::vector<std::vector<float>> tokens = {{1.0F}, {2.0F}};
  // 4 becomes 3, and 8 becomes 6.
  EXPECT_NEAR(output_sqnr_db(weight, values, quantized, tokens, std::nullopt), 10.0 * std::log10(80.0 / 5.0),
              1e-4);
}

TEST(OutputSqnr, OutlierChannelsMakeNoise) {
  std::vector<float> values(64 * 64);
  std::vector<std::int8_t> integers(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    integers[i] = static_cast<std::int8_t>(static_cast<int>(i * 7 % 255) - 127);
    values[i] = 0.01F * static_cast<float>(integers[i]);
  }
  const QuantizedWeight quantized{integers, std::vector<float>(64, 0.01F), std::vector<float>(64, 0.0F)};
  std::vector<std::vector<float>> tokens(16, std::vector<float>(64));
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    for (std::size_t c = 0; c < 64; ++c) {
      tokens[t][c] = std::sin(static_cast<float>(t * 64 + c));
    }
  }
  const double plain = output_sqnr_db(matrix(64, 64), values, quantized, tokens, TensorRange{-1.0F, 1.0F});
  const double wide = output_sqnr_db(matrix(64, 64), values, quantized, tokens, TensorRange{-64.0F, 64.0F});
  EXPECT_GT(plain, 40.0);
  EXPECT_LT(wide, plain - 30.0);
}

}  // namespace
}  // namespace sotto::quantize
