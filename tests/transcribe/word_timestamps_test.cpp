#include "transcribe/word_timestamps.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transcribe/hash_inference.h"

namespace sotto::transcribe {
namespace {

using Words = std::vector<std::string>;

std::vector<WordTiming> timings(const std::vector<std::pair<std::string, double>>& words_and_ends) {
  std::vector<WordTiming> all;
  double at_s = 0.0;
  for (const auto& [word, end_s] : words_and_ends) {
    all.push_back({word, {static_cast<TokenId>(all.size())}, at_s, end_s, 0.9});
    at_s = end_s;
  }
  return all;
}

Words words_of(const std::vector<WordTiming>& alignment) {
  Words words;
  for (const WordTiming& timing : alignment) {
    words.push_back(timing.word);
  }
  return words;
}

TEST(MergePunctuations, JoinsMarksToTheirWords) {
  auto alignment = timings({{" He", 1}, {" (", 2}, {"said", 3}, {")", 4}, {".", 5}, {" -", 6}, {"Yes", 7}});
  merge_punctuations(alignment, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、");
  EXPECT_EQ(words_of(alignment), (Words{" He", "", " (said).", "", "", "", " -Yes"}));
  EXPECT_THAT(alignment[2].tokens, testing::ElementsAre(1, 2, 3, 4));
}

TEST(MergePunctuations, OfNothingDoesNothing) {
  std::vector<WordTiming> none;
  merge_punctuations(none, "(", ")");
  EXPECT_TRUE(none.empty());
}

TEST(MedianDuration, LeavesOutWordsOfNoLengthAndIsBounded) {
  EXPECT_DOUBLE_EQ(median_duration(timings({{"a", 0.2}, {"b", 0.2}, {"c", 0.6}})), 0.3);  // of 0.2 and 0.4
  EXPECT_DOUBLE_EQ(median_duration(timings({{"a", 5}})), 0.7);
  EXPECT_DOUBLE_EQ(median_duration({}), 0.0);
}

TEST(TruncateAtSentenceEnds, ShortensTheMarkOrTheWordBehindIt) {
  auto alignment = timings({{" a", 0.3}, {".", 3.0}, {" b", 8.0}, {" c", 12.0}});
  truncate_at_sentence_ends(alignment, 0.5);
  EXPECT_DOUBLE_EQ(alignment[1].end_s, 1.3);
  EXPECT_DOUBLE_EQ(alignment[2].start_s, 7.0);
  EXPECT_DOUBLE_EQ(alignment[3].start_s, 8.0);  // long, but not next to a sentence's end
}

Segment segment(double start_s, double end_s, std::vector<TokenId> tokens) {
  Segment s;
  s.start_s = start_s;
  s.end_s = end_s;
  s.tokens = std::move(tokens);
  return s;
}

TEST(AddWordTimestamps, DealsWordsOutAndTakesTheirBounds) {
  const auto alignment = timings({{" a", 0.5}, {" b", 1.0}, {" c", 1.5}});
  std::vector<Segment> segments = {segment(10.0, 11.2, {50, 1, 2, 110}), segment(11.2, 11.6, {110, 3, 130})};
  add_word_timestamps(segments, alignment, test::hash_vocabulary(), 0.5, 10.0, 10.0);
  ASSERT_EQ(segments[0].words.size(), 2U);
  ASSERT_EQ(segments[1].words.size(), 1U);
  EXPECT_EQ(segments[0].words[1].word, " b");
  EXPECT_DOUBLE_EQ(segments[0].words[1].start_s, 10.5);
  EXPECT_DOUBLE_EQ(segments[0].end_s, 11.0);
  EXPECT_DOUBLE_EQ(segments[1].start_s, 11.0);
  EXPECT_DOUBLE_EQ(segments[1].end_s, 11.5);
}

TEST(AddWordTimestamps, ShortensTheFirstWordAfterAPause) {
  const auto alignment = timings({{" a", 5.0}, {" b", 5.4}});
  std::vector<Segment> segments = {segment(4.2, 5.4, {1, 2})};
  add_word_timestamps(segments, alignment, test::hash_vocabulary(), 0.4, 0.0, 0.0);
  EXPECT_DOUBLE_EQ(segments[0].words[0].start_s, 4.2);  // 5.0 less twice the median
  EXPECT_DOUBLE_EQ(segments[0].words[0].end_s, 5.0);
}

TEST(AddWordTimestamps, TrustsTheSegmentWhereAWordRunsFarBeyondIt) {
  const auto alignment = timings({{" a", 0.4}, {" b", 6.0}});
  std::vector<Segment> segments = {segment(0.0, 2.0, {1, 2})};
  add_word_timestamps(segments, alignment, test::hash_vocabulary(), 0.4, 0.0, 0.0);
  EXPECT_DOUBLE_EQ(segments[0].words[1].end_s, 2.0);
  EXPECT_DOUBLE_EQ(segments[0].end_s, 2.0);
}

}  // namespace
}  // namespace sotto::transcribe
