#include <cstdint>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/text.h"
#include "support/golden.h"
#include "text/alignment.h"
#include "text/edit_distance.h"

namespace sotto::text {
namespace {

std::vector<std::size_t> in_order(const ErrorCounts& counts) {
  return {counts.hits, counts.substitutions, counts.deletions, counts.insertions};
}

TEST(WordErrors, AreJiwers) {
  const nlohmann::json cases = test::golden_json("text", "errors.json");
  ASSERT_GE(cases.size(), 300U);
  for (const auto& wanted : cases) {
    const auto reference = wanted["reference"].get<std::string>();
    const auto hypothesis = wanted["hypothesis"].get<std::string>();
    EXPECT_EQ(in_order(word_errors(reference, hypothesis)), wanted["words"].get<std::vector<std::size_t>>())
        << wanted;
    EXPECT_EQ(in_order(character_errors(reference, hypothesis)),
              wanted["characters"].get<std::vector<std::size_t>>())
        << wanted;
  }
}

TEST(WordErrors, CountEachKind) {
  EXPECT_EQ(in_order(word_errors("a b c d", "a x c d e")), (std::vector<std::size_t>{3, 1, 0, 1}));
  EXPECT_EQ(in_order(word_errors("a b c", "")), (std::vector<std::size_t>{0, 0, 3, 0}));
  EXPECT_EQ(in_order(word_errors("", " a  b ")), (std::vector<std::size_t>{0, 0, 0, 2}));
}

TEST(ErrorCounts, AddUpAndGiveARate) {
  ErrorCounts sum = word_errors("a b", "a c");
  sum += word_errors("a b", "a b");
  EXPECT_EQ(sum.reference_length(), 4U);
  EXPECT_EQ(sum.rate(), 0.25);
  EXPECT_EQ(word_errors("", "a").rate(), std::nullopt);
}

TEST(AlignWords, ReadsInOrder) {
  const std::vector<AlignedWord> aligned = align_words("the train leaves now", "train leaves right now");
  ASSERT_EQ(aligned.size(), 5U);
  EXPECT_EQ(aligned[0].edit, Edit::deletion);
  EXPECT_EQ(aligned[0].reference, "the");
  EXPECT_EQ(aligned[0].hypothesis, "");
  EXPECT_EQ(aligned[3].edit, Edit::insertion);
  EXPECT_EQ(aligned[3].hypothesis, "right");
  EXPECT_EQ(aligned[4].edit, Edit::hit);
}

/// Checks that `edits` turn one text into the other, and returns their number without the hits.
std::size_t replay(const std::vector<Edit>& edits,
                   std::span<const std::uint32_t> from,
                   std::span<const std::uint32_t> to) {
  std::size_t i = 0;
  std::size_t j = 0;
  std::size_t n_errors = 0;
  for (const Edit edit : edits) {
    if (edit == Edit::hit || edit == Edit::substitution) {
      EXPECT_EQ(from[i] == to[j], edit == Edit::hit);
    }
    n_errors += edit == Edit::hit ? 0 : 1;
    i += edit == Edit::insertion ? 0 : 1;
    j += edit == Edit::deletion ? 0 : 1;
  }
  EXPECT_EQ(i, from.size());
  EXPECT_EQ(j, to.size());
  return n_errors;
}

TEST(MinimumEdits, OfLongTextsAreStillSmallest) {
  std::uint32_t state = 9;
  std::vector<std::uint32_t> from;
  std::vector<std::uint32_t> to;
  for (int i = 0; i < 5000; ++i) {
    state = state * 1664525U + 1013904223U;
    from.push_back((state >> 20) % 50);
    if (state >> 29 != 0) {
      to.push_back((state >> 28) % 5 == 1 ? 51U : from.back());
    }
  }
  EXPECT_EQ(replay(minimum_edits(from, to), from, to), edit_distance(from, to));
}

}  // namespace
}  // namespace sotto::text
