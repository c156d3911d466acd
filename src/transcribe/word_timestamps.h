#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sotto/transcribe.h"
#include "transcribe/find_alignment.h"
#include "transcribe/segments.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Joins marks to the word behind (`prepended`) or before them (`appended`); a joined timing is left empty.
/// Source: openai/whisper 20250625, timing.py, merge_punctuations.
void merge_punctuations(std::vector<WordTiming>& alignment,
                        std::string_view prepended,
                        std::string_view appended);

/// Median of the words' durations above 0, s, at most 0.7; 0 if there are none.
double median_duration(const std::vector<WordTiming>& alignment);

/// Shortens words next to the end of a sentence that last longer than twice the median.
void truncate_at_sentence_ends(std::vector<WordTiming>& alignment, double median_s);

/// Deals a window's words out to its segments and corrects the times of both where they contradict each
/// other. `offset_s` is the window's start, `last_speech_s` the end of the last word before it.
/// Source: openai/whisper 20250625, timing.py, add_word_timestamps.
void add_word_timestamps(std::vector<Segment>& segments,
                         const std::vector<WordTiming>& alignment,
                         const Vocabulary& vocabulary,
                         double median_s,
                         double offset_s,
                         double last_speech_s);

/// The words of text tokens in the window encoded last, of which n_frames mel frames are audio.
using AlignText = std::function<std::vector<WordTiming>(
    std::span<const TokenId> text_tokens, std::size_t n_frames, const std::string& language)>;

/// Gives the segments of one window after another their words, and tells where the next window begins.
class WordTimestamps {
 public:
  /// The parts must outlive it. `content_s` is the length of the audio, if it is known.
  WordTimestamps(AlignText align,
                 const Vocabulary& vocabulary,
                 const TranscribeOptions& options,
                 std::optional<double> content_s);

  /// Adds words and sets advance_frames; segments that look made up are taken away. Returns false if the
  /// window is to be left as if it had not been decoded.
  bool add(WindowSegments& window_segments, const WindowSpan& window);

  /// End of the last word of the windows so far, s.
  double last_speech_s() const { return last_speech_s_; }
  void set_last_speech_s(double seconds) { last_speech_s_ = seconds; }

 private:
  std::vector<TokenId> text_tokens(const std::vector<Segment>& segments) const;

  AlignText align_;
  const Vocabulary& vocabulary_;
  const TranscribeOptions& options_;
  std::optional<double> content_s_;
  double last_speech_s_ = 0.0;
};

}  // namespace sotto::transcribe
