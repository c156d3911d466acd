#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sotto/transcribe.h"
#include "transcribe/decoding_task.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Where in the audio a window of mel frames lies; segments and seek are in its frames of 10 ms.
struct WindowSpan {
  std::size_t seek_frames = 0;
  std::size_t n_frames = 0;  ///< of audio, at most kWindowFrames
  std::string language{};    ///< code of what is spoken
};

/// A window's tokens cut at its timestamps.
struct WindowSegments {
  std::vector<Segment> segments;         ///< ids not set; instantaneous and blank ones included
  std::size_t advance_frames = 0;        ///< from here to the next window, at least 1
  bool single_timestamp_ending = false;  ///< nothing is said after the last segment
};

/// Segments lie between consecutive timestamps; tokens behind the last pair belong to the next window,
/// which begins there. Without a pair the window is one segment.
///
/// `frames_per_timestamp` is kWindowFrames / n_audio_ctx, 2.
/// Source: openai/whisper 20250625, transcribe.py, transcribe().
WindowSegments split_segments(const DecodingResult& result,
                              const WindowSpan& window,
                              const Vocabulary& vocabulary,
                              std::size_t frames_per_timestamp = 2);

/// Removes segments that last no time or say nothing (the reference keeps them as blank subtitles).
void remove_empty_segments(std::vector<Segment>& segments);

}  // namespace sotto::transcribe
