#include "cli/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sotto::cli
