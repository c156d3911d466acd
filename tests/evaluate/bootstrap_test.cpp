#include "evaluate/bootstrap.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/golden.h"

namespace sotto::evaluate {
namespace {

Measurement measurement_of(const std::vector<std::size_t>& words, const std::vector<std::size_t>& errors) {
  Measurement m;
  for (std::size_t i = 0; i < words.size(); ++i) {
    m.utterances.push_back({.words = {.hits = words[i] - errors[i], .substitutions = errors[i]}});
    m.words += m.utterances.back().words;
  }
  return m;
}

TEST(AccuracyInterval, IsScipys) {
  const nlohmann::json cases = test::golden_json("evaluate", "bootstrap.json");
  ASSERT_GE(cases.size(), 4U);
  for (const auto& wanted : cases) {
    const auto words = wanted["words"].get<std::vector<std::size_t>>();
    const Measurement first = measurement_of(words, wanted["first_errors"]);
    const Measurement other = measurement_of(words, wanted["other_errors"]);
    const auto interval = accuracy_interval(first);
    const auto drop = accuracy_drop(first, other);
    ASSERT_TRUE(interval && drop);
    // Two generators' ends differ by their own noise: some hundredths of the interval's width.
    const double width = wanted["first_accuracy_interval"][1].get<double>() -
                         wanted["first_accuracy_interval"][0].get<double>();
    EXPECT_NEAR(interval->low, wanted["first_accuracy_interval"][0], 0.06 * width);
    EXPECT_NEAR(interval->high, wanted["first_accuracy_interval"][1], 0.06 * width);
    const double drop_width =
        wanted["drop_interval"][1].get<double>() - wanted["drop_interval"][0].get<double>();
    EXPECT_NEAR(drop->interval.low, wanted["drop_interval"][0], 0.06 * drop_width);
    EXPECT_NEAR(drop->interval.high, wanted["drop_interval"][1], 0.06 * drop_width);
  }
}

TEST(AccuracyDrop, IsShownOnlyWhereTheIntervalLeavesOutZero) {
  const std::vector<std::size_t> words(100, 10);
  std::vector<std::size_t> few(100, 0);
  const std::vector<std::size_t> many(100, 1);
  const auto clear = accuracy_drop(measurement_of(words, few), measurement_of(words, many));
  EXPECT_DOUBLE_EQ(clear->points, 10.0);
  EXPECT_TRUE(clear->is_shown);
  EXPECT_FALSE(clear->n_utterances_to_show);

  std::vector<std::size_t> one = few;
  one[7] = 1;
  const auto doubtful = accuracy_drop(measurement_of(words, few), measurement_of(words, one));
  EXPECT_NEAR(doubtful->points, 0.1, 1e-9);
  EXPECT_FALSE(doubtful->is_shown);
  // One error in 100 utterances of 10 words: the standard error is 0.1 points, so 100 * 2.8^2.
  EXPECT_NEAR(static_cast<double>(doubtful->n_utterances_to_show.value()), 785.0, 40.0);
}

TEST(AccuracyDrop, OfEqualTextsIsNoneAndNoNumberWouldShowIt) {
  const Measurement m = measurement_of({5, 5, 5}, {1, 0, 2});
  const auto drop = accuracy_drop(m, m);
  EXPECT_EQ(drop->points, 0.0);
  EXPECT_EQ(drop->interval.low, 0.0);
  EXPECT_EQ(drop->interval.high, 0.0);
  EXPECT_FALSE(drop->is_shown);
  EXPECT_FALSE(drop->n_utterances_to_show);
}

TEST(AccuracyDrop, OfOneUtteranceShowsNothing) {
  const auto drop = accuracy_drop(measurement_of({5}, {0}), measurement_of({5}, {5}));
  EXPECT_EQ(drop->points, 100.0);
  EXPECT_FALSE(drop->is_shown);
}

TEST(AccuracyDrop, WithoutWordsIsNone) {
  EXPECT_FALSE(accuracy_drop(measurement_of({0, 0}, {0, 0}), measurement_of({0, 0}, {0, 0})));
  EXPECT_FALSE(accuracy_drop({}, {}));
  EXPECT_FALSE(accuracy_interval({}));
}

TEST(SpreadOf, InterpolatesAsNumpyDoes) {
  const Spread spread = spread_of({4, 1, 3, 2, 5});
  EXPECT_EQ(spread.n, 5U);
  EXPECT_DOUBLE_EQ(spread.p5, 1.2);  // numpy.percentile([1, 2, 3, 4, 5], 5)
  EXPECT_DOUBLE_EQ(spread.median, 3.0);
  EXPECT_DOUBLE_EQ(spread.p95, 4.8);
  EXPECT_DOUBLE_EQ(spread_of({4, 1, 3, 2}).median, 2.5);
  EXPECT_DOUBLE_EQ(spread_of({7}).p95, 7.0);
  EXPECT_EQ(spread_of({}).n, 0U);
}

}  // namespace
}  // namespace sotto::evaluate
