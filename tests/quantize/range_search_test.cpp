#include "quantize/range_search.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace sotto::quantize {
namespace {

Extremes extremes(float low, float high) {
  return {{low}, {high}, {std::max(-low, high)}};
}

/// 200 tokens of two channels within [-1, 1].
RangeSample tokens(float importance_of_first) {
  RangeSample sample{{}, {importance_of_first, 1.0F}};
  for (int i = 0; i < 200; ++i) {
    sample.tokens.push_back(
        {static_cast<float>(i % 41) / 20.0F - 1.0F, static_cast<float>(i % 31) / 15.0F - 1.0F});
  }
  return sample;
}

TEST(QuantizationError, IsThatOfRoundingInsideAndOfCuttingOutsideTheRange) {
  EXPECT_NEAR(quantization_error({{{3.0F}}, {2.0F}}, 0.0F, 1.0F), 2.0 * 4.0, 1e-5);
  EXPECT_NEAR(quantization_error({{{0.3F}}, {1.0F}}, 0.0F, 255.0F), 0.09, 1e-6);
  EXPECT_NEAR(quantization_error({{{7.0F}}, {1.0F}}, 0.0F, 255.0F), 0.0, 1e-6);
}

TEST(QuantizationError, CountsATokenAsOftenAsItWasSeen) {
  EXPECT_NEAR(quantization_error({{{3.0F}, {5.0F}}, {1.0F}, {10, 1}}, 0.0F, 1.0F), 10.0 * 4.0 + 16.0, 1e-4);
}

TEST(SearchRange, CutsARareOutlierThatMattersLittle) {
  RangeSample sample = tokens(1.0F);
  sample.tokens.push_back({1.5F, 0.0F});
  sample.importance[0] = 1e-4F;
  EXPECT_LT(search_range(sample, extremes(-1, 40), false).high[0], 40.0F);
}

TEST(SearchRange, KeepsAnOutlierThatMatters) {
  RangeSample sample = tokens(1.0F);
  sample.tokens.push_back({40.0F, 0.0F});
  const Range range = search_range(sample, extremes(-1, 40), false);
  EXPECT_GE(range.high[0], 40.0F);
}

TEST(SearchRange, WidensToTokensThatLieOutside) {
  RangeSample sample = tokens(1.0F);
  sample.tokens.push_back({2.4F, 0.0F});
  const Range range = search_range(sample, extremes(-1, 1), false);
  EXPECT_NEAR(range.high[0], 2.4F, 0.02F);
  EXPECT_NEAR(range.low[0], -1.0F, 0.1F);
}

TEST(SearchRange, CutsDownToTheTokensAndIsSymmetricIfAsked) {
  const Range range = search_range(tokens(1.0F), extremes(-3, 3), true);
  EXPECT_GE(range.high[0], 1.0F);
  EXPECT_LE(range.high[0], 3.0F);
  EXPECT_FLOAT_EQ(range.low[0], -range.high[0] * 256.0F / 254.0F);
}

}  // namespace
}  // namespace sotto::quantize
