#include "transcribe/greedy_decoder.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sotto::transcribe {
namespace {

using testing::ElementsAre;

constexpr TokenId kEot = 3;
constexpr float kForbidden = -std::numeric_limits<float>::infinity();

void update(TokenDecoder& decoder, std::vector<float> logits) {
  decoder.update({logits, 4});
}

TEST(GreedyDecoder, TakesTheLikeliestTokenUntilTheEnd) {
  GreedyDecoder decoder(0.0, 1, kEot, 0);
  update(decoder, {0.0F, 1.0F, 0.0F, 0.0F});
  ASSERT_FALSE(decoder.completed());
  EXPECT_THAT(decoder.open_rows()[0].tokens, ElementsAre(1));
  update(decoder, {0.0F, 0.0F, 0.0F, 2.0F});
  EXPECT_TRUE(decoder.completed());
  const auto candidates = decoder.finalize();
  ASSERT_EQ(candidates.size(), 1U);
  EXPECT_THAT(candidates[0].tokens, ElementsAre(1));
  const double first = 1.0 - std::log(std::exp(1.0) + 3.0);
  const double end = 2.0 - std::log(std::exp(2.0) + 3.0);
  EXPECT_NEAR(candidates[0].sum_logprob, first + end, 1e-6);
}

TEST(GreedyDecoder, CutsARowThatDidNotEnd) {
  GreedyDecoder decoder(0.0, 1, kEot, 0);
  update(decoder, {0.0F, 0.0F, 5.0F, 0.0F});
  EXPECT_THAT(decoder.finalize()[0].tokens, ElementsAre(2));
}

TEST(GreedyDecoder, DrawsSamplesThatEndOnTheirOwn) {
  GreedyDecoder decoder(1.0, 8, kEot, 7);
  update(decoder, {0.0F, 0.0F, 0.0F, 0.0F});  // one prompt row feeds all samples
  std::size_t n_open = decoder.open_rows().size();
  EXPECT_LE(n_open, 8U);
  for (const OpenRow& row : decoder.open_rows()) {
    EXPECT_EQ(row.source, 0);
  }
  while (!decoder.completed()) {
    std::vector<float> logits(4 * n_open, 0.0F);
    decoder.update({logits, 4});
    for (const OpenRow& row : decoder.open_rows()) {
      EXPECT_LT(row.source, static_cast<std::int32_t>(n_open));
    }
    n_open = decoder.open_rows().size();
  }
  EXPECT_EQ(decoder.finalize().size(), 8U);
  for (const Candidate& candidate : decoder.finalize()) {
    EXPECT_NEAR(candidate.sum_logprob, std::log(0.25) * static_cast<double>(candidate.tokens.size() + 1),
                1e-4);
  }
}

TEST(GreedyDecoder, SourcesNameTheRowsThatWereStillOpen) {
  GreedyDecoder decoder(1.0, 3, kEot, 0);
  update(decoder, {0.0F, kForbidden, kForbidden, kForbidden});
  std::vector<float> logits = {0.0F,       kForbidden, kForbidden, kForbidden,  //
                               kForbidden, kForbidden, kForbidden, 0.0F,        // the second ends
                               kForbidden, 0.0F,       kForbidden, kForbidden};
  decoder.update({logits, 4});
  ASSERT_EQ(decoder.open_rows().size(), 2U);
  EXPECT_EQ(decoder.open_rows()[0].source, 0);
  EXPECT_EQ(decoder.open_rows()[1].source, 2);
  EXPECT_THAT(decoder.finalize()[1].tokens, ElementsAre(0));
  EXPECT_THAT(decoder.finalize()[2].tokens, ElementsAre(0, 1));
}

TEST(GreedyDecoder, DrawsInProportionToTheTemperedProbabilities) {
  std::map<TokenId, int> counts;
  constexpr int kDraws = 20000;
  for (int seed = 0; seed < kDraws; ++seed) {
    GreedyDecoder decoder(0.5, 1, kEot, static_cast<std::uint64_t>(seed));
    update(decoder, {0.0F, 1.0F, kForbidden, kForbidden});
    ++counts[decoder.open_rows()[0].tokens[0]];
  }
  const double expected = 1.0 / (1.0 + std::exp(-1.0 / 0.5));
  EXPECT_NEAR(static_cast<double>(counts[1]) / kDraws, expected, 0.01);
  EXPECT_EQ(counts.size(), 2U);  // what is forbidden is never drawn
}

TEST(GreedyDecoder, GivesTheSameTextForTheSameSeed) {
  const auto draw = [](std::uint64_t seed) {
    GreedyDecoder decoder(1.0, 4, kEot, seed);
    for (int i = 0; i < 12 && !decoder.completed(); ++i) {
      std::vector<float> logits(4 * decoder.open_rows().size());
      for (std::size_t j = 0; j < logits.size(); ++j) {
        logits[j] = j % 4 == 3 ? -3.0F : 0.0F;
      }
      decoder.update({logits, 4});
    }
    std::vector<TokenId> all;
    for (const Candidate& candidate : decoder.finalize()) {
      all.insert(all.end(), candidate.tokens.begin(), candidate.tokens.end());
    }
    return all;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(GreedyDecoder, EndsWhereEveryTokenIsForbidden) {
  GreedyDecoder decoder(0.0, 1, kEot, 0);
  update(decoder, {kForbidden, kForbidden, kForbidden, kForbidden});
  EXPECT_TRUE(decoder.completed());
  EXPECT_TRUE(decoder.finalize()[0].tokens.empty());
}

TEST(GreedyDecoder, RefusesLogitsThatAreNotNumbers) {
  GreedyDecoder decoder(0.0, 1, kEot, 0);
  test::expect_error([&] { update(decoder, {0.0F, std::nanf(""), 0.0F, 0.0F}); }, ErrorCode::bad_format,
                     "decoder: expected finite logits");
}

}  // namespace
}  // namespace sotto::transcribe
