#include "transcribe/hallucination.h"

#include <vector>

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

/// Words of one length and probability from start_s on.
Segment speech(double start_s, std::size_t n_words, double word_s, double probability) {
  Segment s;
  s.start_s = start_s;
  for (std::size_t i = 0; i < n_words; ++i) {
    const double at_s = start_s + static_cast<double>(i) * word_s;
    s.words.push_back({" word", at_s, at_s + word_s, probability});
  }
  s.end_s = s.words.back().end_s;
  return s;
}

constexpr double kClear = 0.9;
constexpr double kImprobable = 0.1;

TEST(IsAnomalous, OfImprobableAndOfVeryShortOrLongWords) {
  EXPECT_FALSE(is_anomalous(speech(0, 4, 0.3, kClear)));
  EXPECT_TRUE(is_anomalous(speech(0, 4, 0.3, kImprobable)));
  EXPECT_TRUE(is_anomalous(speech(0, 4, 0.02, kClear)));
  EXPECT_TRUE(is_anomalous(speech(0, 1, 5.5, kClear)));
  EXPECT_FALSE(is_anomalous({}));
}

TEST(IsAnomalous, DoesNotJudgePunctuation) {
  Segment s = speech(0, 2, 0.3, kClear);
  for (int i = 0; i < 5; ++i) {
    s.words.push_back({".", 1.0, 1.0, 0.0});
  }
  EXPECT_FALSE(is_anomalous(s));
}

TEST(SkipHallucinations, MovesToTheSilenceBeforeAMadeUpBeginning) {
  WindowSegments window{{speech(12.0, 3, 0.3, kImprobable)}, 3000, false};
  EXPECT_FALSE(skip_hallucinations(window, {500, 3000}, 2.0, 0.0, 100.0));
  EXPECT_TRUE(window.segments.empty());
  EXPECT_EQ(window.advance_frames, 700U);
}

TEST(SkipHallucinations, TakesAwayWhatIsMadeUpInSilence) {
  WindowSegments window{{speech(0.5, 4, 0.3, kClear), speech(10.0, 3, 0.3, kImprobable)}, 3000, false};
  EXPECT_TRUE(skip_hallucinations(window, {0, 3000}, 2.0, 0.0, 100.0));
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.advance_frames, 1000U);
}

TEST(SkipHallucinations, GoesToTheEndIfLittleIsLeft) {
  WindowSegments window{{speech(0.5, 4, 0.3, kClear), speech(27.5, 3, 0.3, kImprobable)}, 3000, true};
  EXPECT_TRUE(skip_hallucinations(window, {0, 3000}, 2.5, 0.0, 30.5));
  EXPECT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.advance_frames, 3050U);
}

TEST(SkipHallucinations, KeepsImprobableWordsAmongSpeech) {
  WindowSegments window{
      {speech(0.5, 14, 0.3, kClear), speech(4.8, 3, 0.3, kImprobable), speech(6.0, 40, 0.3, kClear)},
      3000,
      true};
  EXPECT_TRUE(skip_hallucinations(window, {0, 3000}, 2.0, 0.0, 100.0));
  EXPECT_EQ(window.segments.size(), 3U);
  EXPECT_EQ(window.advance_frames, 3000U);
}

TEST(LastWordEnd, IsTheSegmentsWhereThereAreNoWords) {
  EXPECT_FALSE(last_word_end_s({}).has_value());
  std::vector<Segment> segments = {speech(1.0, 2, 0.5, kClear), {}};
  segments[1].end_s = 9.0;
  EXPECT_DOUBLE_EQ(*last_word_end_s(segments), 2.0);
  segments[0].words.clear();
  EXPECT_DOUBLE_EQ(*last_word_end_s(segments), 9.0);
}

}  // namespace
}  // namespace sotto::transcribe
