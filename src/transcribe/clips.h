#pragma once

#include <cstddef>
#include <vector>

#include "audio/mel_stream.h"
#include "sotto/transcribe.h"

namespace sotto::transcribe {

/// A stretch of mel frames to hear.
struct Clip {
  std::size_t begin_frame = 0;
  std::size_t end_frame = 0;
};

/// The stretches of clip_timestamps, all of the audio where there are none.
std::vector<Clip> clips_of(const TranscribeOptions& options);

/// Leaves the first n_frames of a window; the others become 0.0, as behind the end of the audio.
void cut(audio::MelWindow& window, std::size_t n_frames);

}  // namespace sotto::transcribe
