#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {
namespace {

constexpr double kSilenceS = 1.0;

std::string lrc_time(double seconds) {
  const long cs = std::max(std::lrint(seconds * 100.0), 0L);
  return fmt::format("{:02}:{:02}.{:02}", cs / 6000, cs / 100 % 60, cs % 100);
}

std::string line_of(const Cue& cue, bool with_words) {
  std::string line;
  for (const CueWord& word : cue.words) {
    const std::string text = replace_all(word.text, "\n", " ");
    const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
    line += text.substr(0, spaces);
    line += with_words ? fmt::format("<{}>", lrc_time(word.start_s)) : "";
    line += text.substr(spaces);
  }
  return line;
}

}  // namespace

std::string write_lrc(const transcribe::Transcription& transcription, const LayoutOptions& layout) {
  const std::vector<Cue> cues = make_cues(transcription, layout);
  std::string out = "[re:sotto]\n";
  for (std::size_t i = 0; i < cues.size(); ++i) {
    out += fmt::format("[{}]{}\n", lrc_time(cues[i].start_s), line_of(cues[i], layout.highlight_words));
    if (i + 1 == cues.size() || cues[i + 1].start_s - cues[i].end_s > kSilenceS) {
      out += fmt::format("[{}]\n", lrc_time(cues[i].end_s));
    }
  }
  return out;
}

}  // namespace sotto::subtitles
