#include "transcribe/subtitles/cue.h"

namespace sotto::subtitles {

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

namespace {

/// Without lines of nothing, which would end the cue, and other kinds of line ends.
std::string without_empty_lines(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_end = c == '\n' || c == '\r';
    if (!is_end) {
      out += c;
    } else if (const std::size_t last = out.find_last_not_of(" \n"); last != std::string::npos) {
      out.resize(last + 1);
      out += '\n';
    }
  }
  return out.substr(0, out.find_last_not_of('\n') + 1);
}

}  // namespace

std::string Cue::text() const {
  std::string text;
  for (const CueWord& word : words) {
    text += word.text;
  }
  const bool has_ends = text.find_first_of("\r\n") != std::string::npos;
  return replace_all(has_ends ? without_empty_lines(text) : text, "-->", "->");
}

std::vector<Cue> make_cues(const transcribe::Transcription& transcription, const LayoutOptions& options) {
  return options.layout == Layout::segments ? segment_cues(transcription, options)
                                            : readable_cues(transcription, options);
}

}  // namespace sotto::subtitles
