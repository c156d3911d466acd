#pragma once

#include <vector>

#include "transcribe/subtitles/cue.h"

namespace sotto::subtitles {

/// How good a place to end a cue or line is, best first.
enum class Stop { sentence, clause, segment, none };

/// Words that no line may break between: "well-known", 東 with the comma behind it.
struct Unit {
  std::vector<CueWord> words{};  ///< stripped at the unit's ends
  bool space_before = false;
  int width = 0;  ///< columns
  Stop stop = Stop::none;
  double start_s() const { return words.front().start_s; }
  double end_s() const { return words.back().end_s; }
};

/// The units of all segments in order. Segments without times of words are cut at spaces, and between any
/// two characters of a script without spaces, their time shared out by width. What is wider than `max_width`
/// columns alone is cut there.
std::vector<Unit> units_of(const transcribe::Transcription& transcription, int max_width);

}  // namespace sotto::subtitles
