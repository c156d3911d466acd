#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sotto/transcribe.h"
#include "transcribe/segments.h"

namespace sotto::transcribe {

/// End of the last word, or of the last segment where there are no words; nullopt without segments.
std::optional<double> last_word_end_s(const std::vector<Segment>& segments);

/// True for a segment whose first words are improbable or far too short or long.
bool is_anomalous(const Segment& segment);

/// Takes away segments that look made up and lie in silence longer than `threshold_s`, and moves on so that
/// the silence is skipped. Returns false if the window is to be left without a trace, because it begins so.
/// Source: openai/whisper 20250625, transcribe.py, hallucination_silence_threshold.
bool skip_hallucinations(WindowSegments& window_segments,
                         const WindowSpan& window,
                         double threshold_s,
                         double last_speech_s,
                         std::optional<double> content_s);

}  // namespace sotto::transcribe
