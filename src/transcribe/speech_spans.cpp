#include "transcribe/speech_spans.h"

#include <algorithm>
#include <cmath>

#include "audio/speech_detector.h"
#include "transcribe/frames.h"
#include "transcribe/quiet_cut.h"

namespace sotto::transcribe {
namespace {

using audio::kFramesPerStep;

constexpr double kHysteresis = 0.15;  // below the threshold, where no lower one is given
constexpr double kMsPerFrame = 10.0;
constexpr std::size_t kLeftFrames = 100;    // silence before speech that is not worth beginning anew
constexpr std::size_t kContextFrames = 60;  // that the detector sees behind a frame

std::size_t frames_of(int milliseconds) {
  return static_cast<std::size_t>(std::lround(std::max(milliseconds, 0) / kMsPerFrame));
}

/// Spans of the two thresholds alone.
std::vector<SpeechSpan> above_threshold(std::span<const float> probabilities,
                                        double threshold,
                                        double lower) {
  std::vector<SpeechSpan> spans;
  bool speaks = false;
  for (std::size_t step = 0; step < probabilities.size(); ++step) {
    const std::size_t frame = step * kFramesPerStep;
    const auto probability = static_cast<double>(probabilities[step]);
    if (!speaks && probability >= threshold) {
      spans.push_back({frame, frame});
      speaks = true;
    }
    speaks = speaks && probability >= lower;
    if (speaks) {
      spans.back().end_frame = frame + kFramesPerStep;
    }
  }
  return spans;
}

/// Joins spans with less than `frames` between them.
std::vector<SpeechSpan> joined(const std::vector<SpeechSpan>& spans, std::size_t frames) {
  std::vector<SpeechSpan> out;
  for (const SpeechSpan& span : spans) {
    if (!out.empty() && span.begin_frame - out.back().end_frame < frames) {
      out.back().end_frame = span.end_frame;
    } else {
      out.push_back(span);
    }
  }
  return out;
}

/// Lengthens spans by `pad` frames at both ends, into at most half of the silence between two.
void widen(std::vector<SpeechSpan>& spans, std::size_t pad, std::size_t n_frames) {
  std::size_t earliest = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const bool is_last = i + 1 == spans.size();
    const std::size_t silence = (is_last ? n_frames : spans[i + 1].begin_frame) - spans[i].end_frame;
    spans[i].begin_frame = std::max(spans[i].begin_frame - std::min(pad, spans[i].begin_frame), earliest);
    spans[i].end_frame += std::min(pad, is_last ? silence : silence / 2);
    earliest = spans[i].end_frame;
  }
}

}  // namespace

std::vector<SpeechSpan> find_speech(std::span<const float> probabilities,
                                    std::size_t n_frames,
                                    const TranscribeOptions& options) {
  const double lower =
      options.vad_neg_threshold.value_or(std::max(options.vad_threshold - kHysteresis, 0.01));
  std::vector<SpeechSpan> spans =
      joined(above_threshold(probabilities, options.vad_threshold, std::min(lower, options.vad_threshold)),
             frames_of(options.vad_min_silence_duration_ms));
  const std::size_t shortest = std::max<std::size_t>(frames_of(options.vad_min_speech_duration_ms), 1);
  std::erase_if(spans, [&](const SpeechSpan& s) { return s.end_frame - s.begin_frame < shortest; });
  widen(spans, frames_of(options.vad_speech_pad_ms), n_frames);
  return spans;
}

HeardPart heard_part(const audio::MelWindow& window, const TranscribeOptions& options) {
  const std::size_t n_frames = window.segment_frames;
  const auto spans = find_speech(audio::speech_probabilities(window.mel, n_frames), n_frames, options);
  if (spans.empty()) {  // what begins at the very end is seen by the next window
    return {n_frames < audio::kWindowFrames ? n_frames : n_frames - kContextFrames, 0};
  }
  if (spans.front().begin_frame > kLeftFrames) {
    return {spans.front().begin_frame, 0};
  }
  const double longest_s = std::min(options.vad_max_speech_duration_s, to_seconds(n_frames));
  const std::size_t longest = std::max<std::size_t>(to_frames(longest_s), 1);
  const std::size_t end = spans.back().end_frame;
  return {0, end > longest ? quiet_cut(window.mel, longest) : end};
}

}  // namespace sotto::transcribe
