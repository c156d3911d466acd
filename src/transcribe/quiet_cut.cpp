#include "transcribe/quiet_cut.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sotto::transcribe {
namespace {

constexpr std::size_t kPauseFrames = 30;

}  // namespace

std::size_t quiet_cut(const audio::LogMel& mel, std::size_t n_frames) {
  const std::size_t begin = n_frames - n_frames / 3;
  if (n_frames < begin + kPauseFrames) {
    return n_frames;
  }
  std::vector<float> level(n_frames - begin, 0.0F);
  for (std::size_t m = 0; m < static_cast<std::size_t>(mel.n_mels); ++m) {
    const float* const row = mel.values.data() + m * mel.n_frames + begin;
    std::transform(level.begin(), level.end(), row, level.begin(), [](float a, float b) { return a + b; });
  }
  double sum = std::accumulate(level.begin(), level.begin() + kPauseFrames, 0.0);
  double least = sum;
  std::size_t quietest = 0;
  for (std::size_t t = kPauseFrames; t < level.size(); ++t) {
    sum += static_cast<double>(level[t]) - static_cast<double>(level[t - kPauseFrames]);
    if (sum <= least) {  // the later of equals: longer windows
      least = sum;
      quietest = t + 1 - kPauseFrames;
    }
  }
  return begin + quietest + kPauseFrames / 2;
}

}  // namespace sotto::transcribe
