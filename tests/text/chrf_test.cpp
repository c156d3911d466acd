#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/text.h"
#include "support/golden.h"

namespace sotto::text {
namespace {

TEST(Chrf, IsSacrebleus) {
  const nlohmann::json golden = test::golden_json("evaluate", "chrf.json");
  ASSERT_GE(golden["sentences"].size(), 100U);
  ChrfCounts corpus;
  for (const auto& wanted : golden["sentences"]) {
    const ChrfCounts counts =
        chrf_counts(wanted["reference"].get<std::string>(), wanted["hypothesis"].get<std::string>());
    corpus += counts;
    EXPECT_NEAR(counts.score().value(), wanted["score"].get<double>(), 1e-9) << wanted;
  }
  EXPECT_NEAR(corpus.score().value(), golden["corpus"].get<double>(), 1e-9);
}

TEST(Chrf, OfAnEmptyReferenceIsNone) {
  EXPECT_FALSE(chrf_counts(" ", "words").score());
  EXPECT_EQ(chrf_counts("words", "").score(), 0.0);
}

}  // namespace
}  // namespace sotto::text
