#include "cli/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/reporter.h"

namespace sotto::cli {
namespace {

TEST(ProgressLine, ShowsShareAndTimeLeft) {
  EXPECT_EQ(progress_line("calibrate", 3, 12, 10.0, 100),
            "calibrate              [######------------------]  25 %  0:30 left");
  EXPECT_EQ(progress_line("calibrate", 12, 12, 10.0, 100),
            "calibrate              [########################] 100 %");
}

TEST(ProgressLine, ShowsElapsedTimeWhereTheTotalIsUnknown) {
  EXPECT_EQ(progress_line("load", 0, 0, 3725.0, 100), "load                   1:02:05");
}

TEST(ProgressLine, StaysWithinTheTerminalAndItsBounds) {
  EXPECT_EQ(progress_line("calibrate", 3, 12, 10.0, 20).size(), 19U);
  EXPECT_THAT(progress_line("x", 20, 10, 1.0, 100), testing::HasSubstr("100 %"));
  EXPECT_EQ(progress_line("x", 1, 2, 1.0, 0), "");
}

TEST(SegmentLine, HoldsNoCommandsOfATerminal) {
  const transcribe::Segment segment{
      .start_s = 1.5, .end_s = 3600.0, .text = " a\x1b[2J\u009b31m\nb \u00a1\u00c2"};
  EXPECT_EQ(segment_line(segment, false), "[00:01.500 --> 01:00:00.000] a[2J31m b \u00a1\u00c2");
}

}  // namespace
}  // namespace sotto::cli
