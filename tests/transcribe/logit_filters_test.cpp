#include "transcribe/logit_filters.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

using Ids = std::vector<TokenId>;
using testing::ElementsAre;
using testing::IsEmpty;

// Text 0..3 (1 is " "), eot 4, sot 5, notimestamps 6, timestamps 7..12.
Vocabulary tiny_vocabulary() {
  Vocabulary v;
  v.blank = {1};
  v.eot = 4;
  v.sot = 5;
  v.no_timestamps = 6;
  v.timestamp_begin = 7;
  return v;
}

/// Ids that a filter leaves after `sampled`, from even logits with a bias for some.
Ids allowed(const LogitFilter& filter,
            const Ids& sampled,
            const std::vector<std::pair<TokenId, float>>& biased = {}) {
  std::vector<float> logits(13, 0.0F);
  for (const auto& [id, logit] : biased) {
    logits[static_cast<std::size_t>(id)] = logit;
  }
  filter.apply(logits, sampled);
  Ids ids;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (std::isfinite(logits[id])) {
      ids.push_back(static_cast<TokenId>(id));
    }
  }
  return ids;
}

TEST(SuppressBlank, ForbidsBlankAndEndAtTheBeginningOnly) {
  const SuppressBlank filter(tiny_vocabulary());
  EXPECT_THAT(allowed(filter, {}), ElementsAre(0, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_EQ(allowed(filter, {0}).size(), 13U);
}

TEST(SuppressTokens, ForbidsThemEverywhere) {
  const SuppressTokens filter({0, 12, 400});  // one beyond the vocabulary harms nothing
  EXPECT_THAT(allowed(filter, {2}), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

// Without a bias the timestamps together outweigh any text, so the tests of pairing make text likely.
constexpr float kLikely = 20.0F;

TEST(ApplyTimestampRules, BeginsWithATimestampUpToTheBound) {
  EXPECT_THAT(allowed(ApplyTimestampRules(tiny_vocabulary(), 2), {}, {{0, kLikely}}), ElementsAre(7, 8, 9));
  EXPECT_THAT(allowed(ApplyTimestampRules(tiny_vocabulary(), std::nullopt), {}),
              ElementsAre(7, 8, 9, 10, 11, 12));
}

TEST(ApplyTimestampRules, AsksForTextAfterTheFirstTimestamp) {
  const ApplyTimestampRules filter(tiny_vocabulary(), 2);
  EXPECT_THAT(allowed(filter, {8}), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(ApplyTimestampRules, LetsASegmentEndOnlyAfterItsBegin) {
  const ApplyTimestampRules filter(tiny_vocabulary(), 2);
  EXPECT_THAT(allowed(filter, {8, 0}, {{0, kLikely}}), ElementsAre(0, 1, 2, 3, 4, 5, 9, 10, 11, 12));
}

TEST(ApplyTimestampRules, PairsTimestampsExceptBeforeTheEnd) {
  const ApplyTimestampRules filter(tiny_vocabulary(), 2);
  // the next segment may begin where the last one ended
  EXPECT_THAT(allowed(filter, {8, 0, 10}, {{4, kLikely}}), ElementsAre(4, 5, 10, 11, 12));
  EXPECT_THAT(allowed(filter, {8, 0, 10, 10}), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(allowed(filter, {8, 0, 10, 10, 1}, {{0, kLikely}}), ElementsAre(0, 1, 2, 3, 4, 5, 11, 12));
}

TEST(ApplyTimestampRules, TakeATimestampWhenAllOfThemOutweighTheLikeliestText) {
  const ApplyTimestampRules filter(tiny_vocabulary(), 2);
  // 4 timestamps of logit 0 weigh log 4 = 1.386 together
  EXPECT_THAT(allowed(filter, {8, 0}, {{2, 1.38F}}), ElementsAre(9, 10, 11, 12));
  EXPECT_THAT(allowed(filter, {8, 0}, {{2, 1.39F}}), ElementsAre(0, 1, 2, 3, 4, 5, 9, 10, 11, 12));
}

TEST(ApplyTimestampRules, LeaveOnlyTheEndAfterTheLastTimestamp) {
  const ApplyTimestampRules filter(tiny_vocabulary(), 2);
  EXPECT_THAT(allowed(filter, {8, 0, 12}, {{4, kLikely}}), ElementsAre(4, 5, 12));
}

}  // namespace
}  // namespace sotto::transcribe
