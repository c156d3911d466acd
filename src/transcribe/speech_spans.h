#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "audio/mel_stream.h"
#include "sotto/transcribe.h"

namespace sotto::transcribe {

/// A stretch of frames (10 ms) in which somebody speaks, from a window's start.
struct SpeechSpan {
  std::size_t begin_frame = 0;
  std::size_t end_frame = 0;

  bool operator==(const SpeechSpan&) const = default;
};

/// Where the probabilities (one each 20 ms) say that somebody speaks, under the vad_ options: begun at the
/// threshold, ended below the lower one unless it goes on before the shortest silence is over; short ones
/// left out; padded at both ends, but not beyond n_frames, and not overlapping.
/// Source: snakers4/silero-vad 6, get_speech_timestamps; options as in SYSTRAN/faster-whisper 1.2.1.
std::vector<SpeechSpan> find_speech(std::span<const float> probabilities,
                                    std::size_t n_frames,
                                    const TranscribeOptions& options);

/// What vad_filter leaves of a window. Frames keep their place in the recording: nothing is cut out of the
/// middle, silence is skipped before the first word and cut off behind the last.
struct HeardPart {
  std::size_t skip_frames = 0;  ///< above 0: nothing is said so far, the window is to begin so much later
  std::size_t n_frames = 0;     ///< of a window that is heard
};
HeardPart heard_part(const audio::MelWindow& window, const TranscribeOptions& options);

}  // namespace sotto::transcribe
