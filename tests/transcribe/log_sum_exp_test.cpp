#include "transcribe/log_sum_exp.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "transcribe/random.h"

namespace sotto::transcribe {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double reference(const std::vector<float>& row) {
  double max = -kInfinity;
  for (const float x : row) {
    max = std::max<double>(max, x);
  }
  double sum = 0.0;
  for (const float x : row) {
    sum += std::exp(x - max);
  }
  return max + std::log(sum);
}

TEST(LogSumExp, IsThatOfDoublesForEveryLength) {
  Random random({1});
  for (std::size_t n = 1; n < 70; ++n) {
    std::vector<float> row(n);
    for (float& x : row) {
      x = static_cast<float>(60.0 * random.uniform() - 50.0);
    }
    EXPECT_NEAR(log_sum_exp(row), reference(row), 4e-6) << n;
  }
}

TEST(LogSumExp, IsExactEnoughForAWholeVocabulary) {
  Random random({2});
  std::vector<float> row(51866);
  for (float& x : row) {
    x = static_cast<float>(20.0 * random.uniform());
  }
  EXPECT_NEAR(log_sum_exp(row), reference(row), 1e-5);
}

TEST(LogSumExp, LeavesOutForbiddenTokens) {
  EXPECT_FLOAT_EQ(log_sum_exp(std::vector<float>{-kInfinity, 2.0F, -kInfinity}), 2.0F);
  EXPECT_FLOAT_EQ(log_sum_exp(std::vector<float>{1000.0F, 0.0F}), 1000.0F);
}

TEST(LogSumExp, OfNothingIsMinusInfinity) {
  EXPECT_EQ(log_sum_exp({}), -kInfinity);
  EXPECT_EQ(log_sum_exp(std::vector<float>(20, -kInfinity)), -kInfinity);
}

TEST(LogSumExp, ShowsWhatIsNotANumber) {
  for (const std::size_t place : {std::size_t{0}, std::size_t{18}}) {  // in the lanes and behind them
    std::vector<float> row(19, 1.0F);
    row[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(log_sum_exp(row))) << place;
  }
  EXPECT_FALSE(std::isfinite(log_sum_exp(std::vector<float>{kInfinity, 1.0F})));
}

TEST(RowMax, IsTheLargestOfEveryLength) {
  for (std::size_t n = 1; n < 40; ++n) {
    std::vector<float> row(n, -3.0F);
    row[n / 2] = 1.5F;
    EXPECT_EQ(row_max(row), 1.5F) << n;
  }
  EXPECT_EQ(row_max({}), -kInfinity);
}

}  // namespace
}  // namespace sotto::transcribe
