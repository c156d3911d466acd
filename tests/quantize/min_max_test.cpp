#include "quantize/min_max.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::quantize {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

TEST(SymmetricRange, HoldsTheLargestMagnitudeAsLevel127) {
  const Range range = symmetric_range({-1.0F}, {2.54F});
  EXPECT_THAT(range.high, ElementsAre(2.54F));
  EXPECT_THAT(range.low, ElementsAre(FloatEq(-2.56F)));
}

TEST(SymmetricRange, StartsAtZeroWhereNothingIsNegative) {
  const Range range = symmetric_range({0.0F}, {3.0F});
  EXPECT_THAT(range.low, ElementsAre(0.0F));
  EXPECT_THAT(range.high, ElementsAre(3.0F));
}

TEST(SymmetricRange, OfZerosIsNotEmpty) {
  EXPECT_THAT(symmetric_range({0.0F}, {0.0F}).high, ElementsAre(8e-5F));
}

TEST(AsymmetricRange, RepresentsZeroExactly) {
  for (const float min : {-3.7F, -1.0F, -0.01F, -100.0F}) {
    const Range range = asymmetric_range({min}, {2.3F});
    EXPECT_LE(range.low[0], min);
    EXPECT_GE(range.high[0], 2.3F);
    const double step = static_cast<double>(range.high[0] - range.low[0]) / 255.0;
    const double zero = -static_cast<double>(range.low[0]) / step;
    EXPECT_NEAR(zero, std::nearbyint(zero), 1e-4) << min;
  }
}

TEST(AsymmetricRange, IncludesZeroForOneSidedValues) {
  EXPECT_THAT(asymmetric_range({2.0F}, {5.0F}).low, ElementsAre(0.0F));
  EXPECT_THAT(asymmetric_range({2.0F}, {5.0F}).high, ElementsAre(5.0F));
  EXPECT_THAT(asymmetric_range({-5.0F}, {-2.0F}).low, ElementsAre(-5.0F));
  EXPECT_THAT(asymmetric_range({-5.0F}, {-2.0F}).high, ElementsAre(0.0F));
}

TEST(AsymmetricRange, OfAConstantIsNotEmpty) {
  const Range range = asymmetric_range({0.0F}, {0.0F});
  EXPECT_LT(range.low[0], 0.0F);
  EXPECT_GT(range.high[0], 0.0F);
}

/// Largest error of 256 levels on a range for values from `min` to `max`, in steps.
double worst_in_steps(const Range& range, float min, float max) {
  const auto low = static_cast<double>(range.low[0]);
  const double step = (static_cast<double>(range.high[0]) - low) / 255.0;
  double worst = 0.0;
  for (int i = 0; i <= 1000; ++i) {
    const double x = static_cast<double>(min) + static_cast<double>(max - min) * i / 1000.0;
    const double level = std::clamp(std::nearbyint((x - low) / step), 0.0, 255.0);
    worst = std::max(worst, std::abs(low + level * step - x) / step);
  }
  return worst;
}

TEST(Ranges, MeanAnErrorOfHalfAStepAtMostInside) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> value(-8.0F, 8.0F);
  for (int i = 0; i < 200; ++i) {
    const auto [min, max] = std::minmax({value(generator), value(generator)});
    EXPECT_LE(worst_in_steps(asymmetric_range({min}, {max}), min, max), 0.5001) << min << " " << max;
    const float magnitude = std::max(std::abs(min), std::abs(max));
    EXPECT_LE(worst_in_steps(symmetric_range({min}, {magnitude}), min, max), 0.5001) << min << " " << max;
  }
}

}  // namespace
}  // namespace sotto::quantize
