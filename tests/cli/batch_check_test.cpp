#include "cli/batch_check.h"

#include <gtest/gtest.h>

namespace sotto::cli {
namespace {

using transcribe::Segment;

Segment segment(double start_s, double end_s, const std::string& text) {
  return {.start_s = start_s, .end_s = end_s, .text = text};
}

TEST(CheckBatch, FindsNothingInTheSameWordsHoweverTheyAreCut) {
  const BatchCheck check =
      check_batch({segment(0, 2, " one two"), segment(2, 3, " three")}, {segment(0, 3, " one two three")});
  EXPECT_EQ(check.n_words, 3U);
  EXPECT_EQ(check.n_substituted + check.n_left_out + check.n_added, 0U);
  EXPECT_TRUE(check.differences.empty());
}

TEST(CheckBatch, ShowsDifferencesSegmentBySegment) {
  const BatchCheck check =
      check_batch({segment(0, 2, " the cat sat"), segment(2, 3, " on it"), segment(3, 5, " and slept well")},
                  {segment(0, 3, " the cat sits on it"), segment(3, 6, " and slept all day")});
  EXPECT_EQ(check.n_words, 8U);
  EXPECT_EQ(check.n_substituted, 2U);
  EXPECT_EQ(check.n_left_out, 0U);
  EXPECT_EQ(check.n_added, 1U);
  ASSERT_EQ(check.differences.size(), 2U);
  EXPECT_EQ(check.differences[0].start_s, 0.0);
  EXPECT_EQ(check.differences[0].end_s, 2.0);
  EXPECT_EQ(marked(check.differences[0].words), "the cat [-sat-] {+sits+}");
  EXPECT_EQ(check.differences[1].start_s, 3.0);
}

TEST(CheckBatch, TellsWhatOneOfTheTwoDidNotHearAtAll) {
  const BatchCheck added = check_batch({}, {segment(1, 2, " well then")});
  EXPECT_EQ(added.n_added, 2U);
  ASSERT_EQ(added.differences.size(), 1U);
  EXPECT_EQ(marked(added.differences[0].words), "{+well+} {+then+}");
  EXPECT_EQ(added.differences[0].start_s, 1.0);
  const BatchCheck lost = check_batch({segment(1, 2, " well then")}, {});
  EXPECT_EQ(lost.n_left_out, 2U);
  EXPECT_EQ(marked(lost.differences.at(0).words), "[-well-] [-then-]");
  EXPECT_TRUE(check_batch({}, {}).differences.empty());
}

}  // namespace
}  // namespace sotto::cli
