#include "transcribe/repetition.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

constexpr TokenId kText = 10;  // ids from here on are timestamps

std::vector<TokenId> forbidden_after(const std::vector<TokenId>& sampled, std::size_t size) {
  std::vector<float> logits(20, 1.0F);
  NoRepeatNgram(size, kText).apply(logits, sampled);
  std::vector<TokenId> forbidden;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (std::isinf(logits[id])) {
      forbidden.push_back(static_cast<TokenId>(id));
    }
  }
  return forbidden;
}

TEST(NoRepeatNgram, ForbidsWhatWouldCompleteASequenceAgain) {
  EXPECT_THAT(forbidden_after({1, 2, 3, 1, 2}, 3), testing::ElementsAre(3));
  EXPECT_THAT(forbidden_after({1, 2, 3, 1, 2, 4, 1, 2}, 3), testing::ElementsAre(3, 4));
  EXPECT_THAT(forbidden_after({1, 2, 3, 2}, 3), testing::ElementsAre());
  EXPECT_THAT(forbidden_after({1, 2}, 3), testing::ElementsAre());
  EXPECT_THAT(forbidden_after({}, 1), testing::ElementsAre());
  EXPECT_THAT(forbidden_after({4, 2}, 1), testing::ElementsAre(2, 4));
}

TEST(NoRepeatNgram, LooksThroughTimestamps) {
  EXPECT_THAT(forbidden_after({12, 1, 2, 13, 13, 3, 1, 15, 15, 2}, 3), testing::ElementsAre(3));
}

TEST(RepetitionPenalty, LowersWhatWasSaid) {
  std::vector<float> logits = {2.0F, -2.0F, 2.0F, 0.0F, 1.0F};
  RepetitionPenalty(2.0, 4).apply(logits, std::vector<TokenId>{0, 1, 1, 4});
  EXPECT_THAT(logits, testing::ElementsAre(1.0F, -4.0F, 2.0F, 0.0F, 1.0F));
}

TEST(LongestLoop, CountsRepetitionsInARow) {
  EXPECT_EQ(longest_loop({}, kText), 0U);
  EXPECT_EQ(longest_loop(std::vector<TokenId>{1, 2, 3}, kText), 1U);
  EXPECT_EQ(longest_loop(std::vector<TokenId>{1, 2, 1, 2, 1, 2}, kText), 3U);
  EXPECT_EQ(longest_loop(std::vector<TokenId>{9, 1, 2, 12, 1, 2, 12, 1, 8}, kText), 2U);
  EXPECT_EQ(longest_loop(std::vector<TokenId>{7, 7, 7, 7}, kText), 4U);
  EXPECT_EQ(longest_loop(std::vector<TokenId>{1, 2, 3, 4, 1, 2, 3}, kText), 1U);
}

}  // namespace
}  // namespace sotto::transcribe
