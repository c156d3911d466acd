#include "transcribe/sequence_ranker.h"

#include <vector>

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

const std::vector<Candidate> kCandidates = {{{1, 2}, -1.0}, {{1, 2, 3, 4}, -1.6}, {{}, -0.45}};

TEST(RankByLikelihood, DividesByTheLength) {
  EXPECT_EQ(rank_by_likelihood(kCandidates, std::nullopt), 1U);  // -0.5, -0.4, -0.45
}

TEST(RankByLikelihood, WithoutPenaltyPrefersTheLikeliest) {
  EXPECT_EQ(rank_by_likelihood(kCandidates, 0.0), 2U);
}

TEST(RankByLikelihood, OfGoogleNmtDividesLess) {
  const std::vector<Candidate> two = {{{1}, -1.0}, {{1, 2, 3, 4, 5, 6, 7}, -1.9}};
  EXPECT_EQ(rank_by_likelihood(two, std::nullopt), 1U);
  EXPECT_EQ(rank_by_likelihood(two, 1.0), 1U);  // -1.0 and -1.9 / 2
  EXPECT_EQ(rank_by_likelihood(two, 0.9), 0U);  // -1.0 and -1.9 / 1.866
}

TEST(RankByLikelihood, TakesTheFirstAmongEquals) {
  EXPECT_EQ(rank_by_likelihood(std::vector<Candidate>{{{1}, -1.0}, {{2}, -1.0}}, std::nullopt), 0U);
}

}  // namespace
}  // namespace sotto::transcribe
