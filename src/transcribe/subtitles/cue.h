#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sotto/transcribe.h"

namespace sotto::subtitles {

/// `text` with every `from` replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// What is shown for a while.
struct Cue {
  double start_s = 0.0;
  double end_s = 0.0;
  std::string text;
};

/// A cue a segment, from its first to its last word where words have times. Text is stripped and "-->" is
/// written "->", because the arrow ends a cue's header.
std::vector<Cue> make_cues(const transcribe::Transcription& transcription);

}  // namespace sotto::subtitles
