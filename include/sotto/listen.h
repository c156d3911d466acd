#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "sotto/transcribe.h"

namespace sotto::transcribe {

struct ListenOptions {
  double partial_interval_s = 1.0;  ///< of new sound between two partial results; 0: none
};

/// TranscribeOptions as listening wants them: vad_filter on, an utterance over after 0.6 s of silence and cut
/// after 15 s, no conditioning on the text before.
TranscribeOptions live_options();

/// Who is told what is heard, all from the thread that calls the Listener.
struct LiveEvents {
  /// What the utterance under way seems to say; the next call takes its place.
  std::function<void(const std::vector<Segment>&)> on_partial{};
  /// What was said. Times count from the first sample.
  std::function<void(const Segment&)> on_final{};
};

/// Hears sound while it comes in.
///
/// Speech is cut into utterances: at silence of vad_min_silence_duration_ms (by the detector of vad_filter),
/// and at the quietest place of its last third where one reaches vad_max_speech_duration_s. So what was said
/// is final at most vad_max_speech_duration_s after it was said, and the time that its recognition takes. An
/// utterance that goes on is heard again from its beginning each partial_interval_s, greedily and at the
/// first temperature only. With language "auto" every utterance is heard for its language until ten seconds
/// were said; then the one spoken longest stays, unless `multilingual`. With condition_on_previous_text an
/// utterance is shown the last text before it. Memory does not grow but for the segments.
class Listener {
 public:
  /// `transcriber` must outlive this. Throws Error(invalid_argument) for options out of range.
  Listener(Transcriber& transcriber,
           const TranscribeOptions& options,
           const ListenOptions& listen,
           LiveEvents events);

  /// Takes 16 kHz mono samples, a second or less at a time, and hears what they complete. With `is_behind`
  /// more of them wait already, so that no partial result is worth its time. A requested stop ends a partial
  /// result, not a final one.
  void add(std::span<const float> samples, bool is_behind = false, const std::stop_token& stop = {});

  /// Hears what is left; all that was said. Nothing may be added any more.
  Transcription finish();

 private:
  struct Extent;
  Extent find_utterance() const;
  void drop(std::size_t n_samples);
  void hear_final(std::size_t n_samples);
  void hear_partial(const std::stop_token& stop);
  TranscribeOptions options_for_utterance() const;

  Transcriber& transcriber_;
  TranscribeOptions options_;
  ListenOptions listen_;
  LiveEvents events_;
  std::vector<float> samples_;       // not final yet
  std::size_t n_before_ = 0;         // samples before them
  std::size_t n_since_partial_ = 0;  // samples added after the last partial result
  double spoken_s_ = 0.0;            // of final segments
  Transcription heard_;
};

}  // namespace sotto::transcribe
