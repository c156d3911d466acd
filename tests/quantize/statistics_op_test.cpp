#include "quantize/statistics_op.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

ov::Tensor tensor(const ov::Shape& shape, const std::vector<float>& values) {
  ov::Tensor t(ov::element::f32, shape);
  std::copy(values.begin(), values.end(), t.data<float>());
  return t;
}

/// Runs the operation inside the CPU plugin, where the tensor's rank is known and its dimensions are not.
std::vector<float> statistics(const ov::Tensor& values,
                              std::int64_t axis,
                              std::int64_t n_channels,
                              std::int64_t n_tokens = 0) {
  const auto x =
      test::parameter(ov::PartialShape::dynamic(static_cast<std::int64_t>(values.get_shape().size())), "x");
  return test::infer(test::model(std::make_shared<StatisticsOp>(x, axis, n_channels, n_tokens), {x}), values);
}

TEST(StatisticsOp, GivesMinimaMaximaAndMeansOfTheLastAxis) {
  const auto x = tensor({1, 2, 3}, {1, -2, 3,  //
                                    5, 6, -7});
  EXPECT_THAT(statistics(x, 2, 3), ElementsAre(1, -2, -7,  //
                                               5, 6, 3,    //
                                               3, 2, -2));
}

TEST(StatisticsOp, GivesThemOfAMiddleAxis) {
  const auto x = tensor({1, 2, 3}, {1, -2, 4,  //
                                    5, 6, -8});
  EXPECT_THAT(statistics(x, 1, 2), ElementsAre(-2, -8,  //
                                               4, 6,    //
                                               1, 1));
}

TEST(StatisticsOp, GivesThemOfTheWholeTensor) {
  EXPECT_THAT(statistics(tensor({2, 2}, {1, 2, 3, -2}), StatisticsOp::kWholeTensor, 1),
              ElementsAre(-2, 3, 1));
}

TEST(StatisticsOp, OfAnEmptyTensorIsAnEmptyInterval) {
  EXPECT_THAT(statistics(ov::Tensor(ov::element::f32, {1, 0, 2}), 2, 2),
              ElementsAre(kInfinity, kInfinity, -kInfinity, -kInfinity, 0, 0));
}

TEST(StatisticsOp, GivesAllTokensIfThereAreFew) {
  const auto rows = tensor({1, 2, 2}, {1, 2,  //
                                       3, 4});
  const std::vector<float> of_last = statistics(rows, 2, 2, 2);
  EXPECT_THAT(std::vector<float>(of_last.begin() + 6, of_last.end()), ElementsAre(1, 2, 3, 4, 1, 1));
  const std::vector<float> of_middle = statistics(rows, 1, 2, 2);
  EXPECT_THAT(std::vector<float>(of_middle.begin() + 6, of_middle.end()), ElementsAre(1, 3, 2, 4, 1, 1));
}

TEST(StatisticsOp, SaysThatTokensAreNotThere) {
  const std::vector<float> s = statistics(tensor({1, 1, 2}, {1, 2}), 2, 2, 2);
  EXPECT_THAT(std::vector<float>(s.begin() + 6, s.end()), ElementsAre(1, 2, 0, 0, 1, 0));
}

TEST(StatisticsOp, GivesTokensFarFromTheMeanTheBetterChance) {
  // 400 positions of near silence, 20 of speech
  std::vector<float> values = test::random_values(420 * 4, 5, 0.01F);
  const std::vector<float> speech = test::random_values(20 * 4, 6, 3.0F);
  std::copy(speech.begin(), speech.end(), values.begin() + 100 * 4);
  const std::vector<float> s = statistics(tensor({1, 420, 4}, values), 2, 4, 16);
  std::size_t n_speech = 0;
  for (std::size_t t = 0; t < 16; ++t) {
    const auto* token = s.data() + 12 + 4 * t;
    n_speech += std::abs(token[0] - 0.1F) + std::abs(token[1] - 0.1F) > 0.2F ? 1U : 0U;
  }
  EXPECT_GE(n_speech, 5U);
  EXPECT_LE(n_speech, 11U);
  const auto* counts = s.data() + 12 + 4 * 16;
  EXPECT_NEAR(std::accumulate(counts, counts + 16, 0.0), 420, 60);
}

TEST(StatisticsOp, TellsOfAValueThatIsNotANumber) {
  const auto x = tensor({1, 2, 2}, {1, std::nanf(""), 2, 3});
  const std::vector<float> s = statistics(x, 2, 2);
  EXPECT_TRUE(std::isfinite(s[4]));
  EXPECT_FALSE(std::isfinite(s[5]));
}

TEST(StatisticsOp, AgreesWithAPlainLoopOnLargeTensors) {
  constexpr std::size_t kRows = 9001;
  constexpr std::size_t kColumns = 40;
  const std::vector<float> values = test::random_values(kRows * kColumns, 4);
  const ov::Tensor x = tensor({1, kRows, kColumns}, values);
  const std::vector<float> by_channel = statistics(x, 2, kColumns, 16);
  for (std::size_t c = 0; c < kColumns; ++c) {
    float low = kInfinity;
    float high = -kInfinity;
    double sum = 0.0;
    for (std::size_t i = c; i < values.size(); i += kColumns) {
      low = std::min(low, values[i]);
      high = std::max(high, values[i]);
      sum += static_cast<double>(values[i]);
    }
    EXPECT_EQ(by_channel[c], low);
    EXPECT_EQ(by_channel[kColumns + c], high);
    EXPECT_NEAR(by_channel[2 * kColumns + c], sum / kRows, 1e-6);
  }
  const std::vector<float> whole = statistics(x, StatisticsOp::kWholeTensor, 1);
  EXPECT_EQ(whole[0], *std::ranges::min_element(values));
  EXPECT_EQ(whole[1], *std::ranges::max_element(values));
  EXPECT_NEAR(whole[2],
              std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()), 1e-6);
  EXPECT_EQ(by_channel, statistics(x, 2, kColumns, 16));
}

TEST(StatisticsOp, AgreesWithAPlainLoopOnLongRows) {
  const ov::Shape shape{2, 5, 333};
  const std::vector<float> values = test::random_values(ov::shape_size(shape), 3);
  const std::vector<float> found = statistics(tensor(shape, values), 1, 5);
  for (std::size_t c = 0; c < 5; ++c) {
    float low = kInfinity;
    float high = -kInfinity;
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i / 333 % 5 == c) {
        low = std::min(low, values[i]);
        high = std::max(high, values[i]);
        sum += static_cast<double>(values[i]);
      }
    }
    EXPECT_EQ(found[c], low);
    EXPECT_EQ(found[5 + c], high);
    EXPECT_NEAR(found[10 + c], sum / 666, 1e-6);
  }
}

}  // namespace
}  // namespace sotto::quantize
