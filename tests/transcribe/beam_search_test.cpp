#include "transcribe/beam_search.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sotto::transcribe {
namespace {

using testing::ElementsAre;

constexpr TokenId kEot = 3;
constexpr float kForbidden = -std::numeric_limits<float>::infinity();

std::vector<float> log_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) {
    logits.push_back(p > 0.0 ? static_cast<float>(std::log(p)) : kForbidden);
  }
  return logits;
}

void update(TokenDecoder& decoder, const std::vector<double>& probabilities) {
  std::vector<float> logits = log_of(probabilities);
  decoder.update({logits, 4});
}

TEST(BeamSearchDecoder, KeepsTheLikeliestPathsAndTellsWhereTheyCameFrom) {
  BeamSearchDecoder decoder(2, 1.0, kEot);
  update(decoder, {0.5, 0.4, 0.1, 0.0});
  ASSERT_EQ(decoder.open_rows().size(), 2U);
  EXPECT_THAT(decoder.open_rows()[0].tokens, ElementsAre(0));
  EXPECT_THAT(decoder.open_rows()[1].tokens, ElementsAre(1));
  // the second path overtakes: 0.4 * 0.9 > 0.5 * 0.6 > 0.5 * 0.4
  update(decoder, {0.6, 0.4, 0.0, 0.0, 0.0, 0.0, 0.9, 0.1});
  EXPECT_THAT(decoder.open_rows()[0].tokens, ElementsAre(1, 2));
  EXPECT_EQ(decoder.open_rows()[0].source, 1);
  EXPECT_THAT(decoder.open_rows()[1].tokens, ElementsAre(0, 0));
  EXPECT_EQ(decoder.open_rows()[1].source, 0);
  EXPECT_NEAR(decoder.open_rows()[0].sum_logprob, std::log(0.36), 1e-6);
}

TEST(BeamSearchDecoder, EndsWhenAsManySequencesEnded) {
  BeamSearchDecoder decoder(2, 1.0, kEot);
  update(decoder, {0.4, 0.3, 0.1, 0.2});  // the end is third: not among the best two, not taken
  EXPECT_FALSE(decoder.completed());
  update(decoder, {0.1, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1, 0.7});
  EXPECT_TRUE(decoder.completed());
  const auto candidates = decoder.finalize();
  ASSERT_EQ(candidates.size(), 2U);
  EXPECT_THAT(candidates[0].tokens, ElementsAre(0));
  EXPECT_NEAR(candidates[0].sum_logprob, std::log(0.4 * 0.7), 1e-6);
  EXPECT_THAT(candidates[1].tokens, ElementsAre(1));
}

TEST(BeamSearchDecoder, PatienceWaitsForMore) {
  BeamSearchDecoder decoder(2, 2.0, kEot);
  update(decoder, {0.5, 0.5, 0.0, 0.0});
  update(decoder, {0.2, 0.1, 0.0, 0.7, 0.2, 0.1, 0.0, 0.7});
  EXPECT_FALSE(decoder.completed());  // two of four
  update(decoder, {0.2, 0.1, 0.0, 0.7, 0.2, 0.1, 0.0, 0.7});
  EXPECT_TRUE(decoder.completed());
  EXPECT_EQ(decoder.finalize().size(), 4U);
}

TEST(BeamSearchDecoder, FillsUpWithUnfinishedSequences) {
  BeamSearchDecoder decoder(3, 1.0, kEot);
  update(decoder, {0.5, 0.0, 0.1, 0.4});  // one ended
  const auto candidates = decoder.finalize();
  ASSERT_EQ(candidates.size(), 3U);
  EXPECT_TRUE(candidates[0].tokens.empty());
  EXPECT_THAT(candidates[1].tokens, ElementsAre(0));
  EXPECT_THAT(candidates[2].tokens, ElementsAre(2));
}

TEST(BeamSearchDecoder, EndsWhereEveryTokenIsForbidden) {
  BeamSearchDecoder decoder(2, 1.0, kEot);
  update(decoder, {0.0, 0.0, 0.0, 0.0});
  EXPECT_TRUE(decoder.completed());
  EXPECT_EQ(decoder.finalize().size(), 1U);
}

TEST(BeamSearchDecoder, RefusesLogitsThatAreNotNumbers) {
  BeamSearchDecoder decoder(2, 1.0, kEot);
  std::vector<float> logits = {0.0F, std::nanf(""), 0.0F, 0.0F};
  test::expect_error([&] { decoder.update({logits, 4}); }, ErrorCode::bad_format, "expected finite logits");
}

}  // namespace
}  // namespace sotto::transcribe
