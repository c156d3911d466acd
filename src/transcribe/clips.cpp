#include "transcribe/clips.h"

#include <limits>

#include "transcribe/frames.h"

namespace sotto::transcribe {
namespace {

constexpr std::size_t kToTheEnd = std::numeric_limits<std::size_t>::max();

}  // namespace

std::vector<Clip> clips_of(const TranscribeOptions& options) {
  const std::vector<double>& times_s = options.clip_timestamps;
  std::vector<Clip> found;
  for (std::size_t i = 0; i < times_s.size(); i += 2) {
    const bool has_end = i + 1 < times_s.size();
    found.push_back({to_frames(times_s[i]), has_end ? to_frames(times_s[i + 1]) : kToTheEnd});
  }
  if (found.empty()) {
    found.push_back({0, kToTheEnd});
  }
  return found;
}

void cut(audio::MelWindow& window, std::size_t n_frames) {
  if (n_frames < window.segment_frames) {
    window.segment_frames = n_frames;
    const audio::LogMel kept = audio::pad_or_trim(window.mel, n_frames);
    window.mel = audio::pad_or_trim(kept);
  }
}

}  // namespace sotto::transcribe
