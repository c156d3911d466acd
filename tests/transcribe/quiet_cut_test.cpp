#include "transcribe/quiet_cut.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

/// A window whose frames are loud but in [begin, end).
audio::LogMel quiet_in(std::size_t begin, std::size_t end) {
  audio::LogMel mel{80, audio::kWindowFrames, std::vector<float>(80UL * audio::kWindowFrames, 1.0F)};
  for (std::size_t m = 0; m < 80; ++m) {
    std::fill(mel.values.begin() + static_cast<std::ptrdiff_t>(m * mel.n_frames + begin),
              mel.values.begin() + static_cast<std::ptrdiff_t>(m * mel.n_frames + end), -0.5F);
  }
  return mel;
}

TEST(QuietCut, EndsInTheMiddleOfThePause) {
  EXPECT_EQ(quiet_cut(quiet_in(2400, 2430), 3000), 2415U);
}

TEST(QuietCut, LooksAtTheLastThirdOnly) {
  const std::size_t got = quiet_cut(quiet_in(500, 1000), 3000);
  EXPECT_GT(got, 2000U);
  EXPECT_LE(got, 3000U);
}

TEST(QuietCut, TakesTheLaterOfEqualPauses) {
  EXPECT_EQ(quiet_cut(quiet_in(0, 3000), 3000), 2985U);
}

TEST(QuietCut, LeavesAShortWindowWhole) {
  EXPECT_EQ(quiet_cut(quiet_in(0, 50), 60), 60U);
  EXPECT_EQ(quiet_cut(quiet_in(0, 50), 1), 1U);
}

}  // namespace
}  // namespace sotto::transcribe
