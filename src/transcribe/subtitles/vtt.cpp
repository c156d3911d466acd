#include <cmath>

#include <fmt/format.h>

#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/timestamp.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {
namespace {

std::string escaped(std::string_view text) {
  return replace_all(replace_all(text, "&", "&amp;"), "<", "&lt;");
}

/// The text with the time of each word but the first in front of it; times inside a cue must ascend.
std::string timed_text(const Cue& cue) {
  std::string text;
  long last_ms = std::lrint(cue.start_s * 1000);
  for (const CueWord& word : cue.words) {
    const long ms = std::lrint(word.start_s * 1000);
    const std::size_t spaces = word.text.find_first_not_of(" \n");
    text += word.text.substr(0, spaces);
    if (ms > last_ms && ms < std::lrint(cue.end_s * 1000)) {
      text += fmt::format("<{}>", format_timestamp(word.start_s, true, '.'));
      last_ms = ms;
    }
    text += spaces == std::string::npos ? "" : escaped(word.text.substr(spaces));
  }
  return replace_all(text, "-->", "->");
}

std::string text_of(const Cue& cue, const LayoutOptions& layout) {
  if (layout.layout == Layout::segments) {
    return cue.text();
  }
  return layout.highlight_words ? timed_text(cue) : escaped(cue.text());
}

}  // namespace

std::string write_vtt(const transcribe::Transcription& transcription, const LayoutOptions& layout) {
  std::vector<Cue> cues = make_cues(transcription, layout);
  if (layout.highlight_words && layout.layout == Layout::segments) {
    cues = underline_words(cues);
  }
  const std::string voice = layout.speaker.empty() ? "" : fmt::format("<v {}>", escaped(layout.speaker));
  std::string out = "WEBVTT\n\n";
  for (const Cue& cue : cues) {
    out += fmt::format("{} --> {}\n{}{}\n\n", format_timestamp(cue.start_s, false, '.'),
                       format_timestamp(cue.end_s, false, '.'), voice, text_of(cue, layout));
  }
  return out;
}

}  // namespace sotto::subtitles
