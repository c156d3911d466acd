#include "transcribe/segments.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transcribe/hash_inference.h"

namespace sotto::transcribe {
namespace {

using testing::ElementsAre;

constexpr TokenId kT = test::kHashTimestamp;  // + n: n * 20 ms

DecodingResult result_of(std::vector<TokenId> tokens) {
  DecodingResult result;
  result.tokens = std::move(tokens);
  result.temperature = 0.2;
  result.avg_logprob = -0.5;
  result.no_speech_prob = 0.1;
  result.compression_ratio = 1.5;
  return result;
}

WindowSegments split(std::vector<TokenId> tokens, WindowSpan window = {1000, 3000}) {
  return split_segments(result_of(std::move(tokens)), window, test::hash_vocabulary());
}

TEST(SplitSegments, CutsBetweenTimestampsAndGoesOnAtTheLast) {
  const WindowSegments got = split({kT, 7, kT + 100, kT + 150, 8, 9, kT + 400, kT + 400, 10});
  ASSERT_EQ(got.segments.size(), 2U);
  EXPECT_DOUBLE_EQ(got.segments[0].start_s, 10.0);
  EXPECT_DOUBLE_EQ(got.segments[0].end_s, 12.0);
  EXPECT_EQ(got.segments[0].text, "h");
  EXPECT_THAT(got.segments[0].tokens, ElementsAre(kT, 7, kT + 100));
  EXPECT_DOUBLE_EQ(got.segments[1].start_s, 13.0);
  EXPECT_DOUBLE_EQ(got.segments[1].end_s, 18.0);
  EXPECT_THAT(got.segments[1].tokens, ElementsAre(kT + 150, 8, 9, kT + 400));
  EXPECT_EQ(got.advance_frames, 800U);  // token 10 is heard again in the next window
  EXPECT_FALSE(got.single_timestamp_ending);
}

TEST(SplitSegments, TakesAWindowAsDoneAfterASingleEndingTimestamp) {
  const WindowSegments got = split({kT, 7, kT + 100, kT + 100, 8, kT + 400});
  ASSERT_EQ(got.segments.size(), 2U);
  EXPECT_DOUBLE_EQ(got.segments[1].end_s, 18.0);
  EXPECT_EQ(got.advance_frames, 3000U);
  EXPECT_TRUE(got.single_timestamp_ending);
}

TEST(SplitSegments, WithoutAPairIsOneSegmentUpToTheLastTimestamp) {
  const WindowSegments got = split({kT, 7, 8, kT + 250});
  ASSERT_EQ(got.segments.size(), 1U);
  EXPECT_DOUBLE_EQ(got.segments[0].start_s, 10.0);
  EXPECT_DOUBLE_EQ(got.segments[0].end_s, 15.0);
  EXPECT_EQ(got.advance_frames, 3000U);
}

TEST(SplitSegments, WithoutAnEndIsTheWholeWindow) {
  for (const auto& tokens : {std::vector<TokenId>{7, 8}, {kT, 7, 8}}) {
    const WindowSegments got = split(tokens, {0, 1234});
    ASSERT_EQ(got.segments.size(), 1U);
    EXPECT_DOUBLE_EQ(got.segments[0].start_s, 0.0);
    EXPECT_DOUBLE_EQ(got.segments[0].end_s, 12.34);
    EXPECT_EQ(got.advance_frames, 1234U);
  }
}

TEST(SplitSegments, CopiesWhatWasMeasured) {
  const Segment segment = split({kT, 7}).segments.at(0);
  EXPECT_EQ(segment.seek_frames, 1000U);
  EXPECT_EQ(segment.temperature, 0.2);
  EXPECT_EQ(segment.avg_logprob, -0.5);
  EXPECT_EQ(segment.no_speech_prob, 0.1);
  EXPECT_EQ(segment.compression_ratio, 1.5);
}

TEST(SplitSegments, AlwaysGoesOn) {
  EXPECT_EQ(split({kT, kT}).advance_frames, 3000U);
  EXPECT_EQ(split({}).advance_frames, 3000U);
}

TEST(RemoveEmptySegments, KeepsWhatLastsAndSaysSomething) {
  std::vector<Segment> segments(3);
  segments[0].end_s = 1.0;
  segments[0].text = " \u3000";
  segments[1].text = "instantaneous";
  segments[2].end_s = 1.0;
  segments[2].text = " kept";
  remove_empty_segments(segments);
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].text, " kept");
}

}  // namespace
}  // namespace sotto::transcribe
