#include "transcribe/subtitles/cue.h"

#include "transcribe/strip.h"

namespace sotto::subtitles {
namespace {

Cue cue_of(const transcribe::Segment& segment) {
  Cue cue{segment.start_s, segment.end_s, replace_all(transcribe::strip(segment.text), "-->", "->")};
  if (!segment.words.empty()) {
    cue.start_s = segment.words.front().start_s;
    cue.end_s = segment.words.back().end_s;
  }
  return cue;
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const std::size_t found = text.find(from);
    out += text.substr(0, found);
    if (found == std::string_view::npos) {
      return out;
    }
    out += to;
    text.remove_prefix(found + from.size());
  }
}

std::vector<Cue> make_cues(const transcribe::Transcription& transcription) {
  std::vector<Cue> cues;
  for (const auto& segment : transcription.segments) {
    cues.push_back(cue_of(segment));
  }
  return cues;
}

}  // namespace sotto::subtitles
