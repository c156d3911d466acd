#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sotto/subtitles.h"

namespace sotto::subtitles {

/// `text` with every `from` replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// A word as a cue shows it: a space or line end may be in front.
struct CueWord {
  double start_s = 0.0;
  double end_s = 0.0;
  std::string text{};
};

/// What is shown for a while.
struct Cue {
  double start_s = 0.0;
  double end_s = 0.0;
  std::vector<CueWord> words{};  ///< one word if the transcription has no times of words

  /// All words; lines are separated by '\n'. "-->" is written "->", because the arrow ends a cue's header.
  std::string text() const;
};

/// The cues of a transcription under either layout.
std::vector<Cue> make_cues(const transcribe::Transcription& transcription, const LayoutOptions& options);

/// The cues of openai/whisper 20250625 (utils.py, iterate_result), but for highlight_words.
std::vector<Cue> segment_cues(const transcribe::Transcription& transcription, const LayoutOptions& options);

/// Sentence-aware cues of balanced lines, cut by dynamic programming over the breaks between words.
std::vector<Cue> readable_cues(const transcribe::Transcription& transcription, const LayoutOptions& options);

/// A cue for each word, in which it is underlined, and for each pause between words (the same source).
std::vector<Cue> underline_words(const std::vector<Cue>& cues);

}  // namespace sotto::subtitles
