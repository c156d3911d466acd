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

std::string Cue::text() const {
  std::string text;
  for (const CueWord& word : words) {
    text += word.text;
  }
  return replace_all(text, "-->", "->");
}

std::vector<Cue> make_cues(const transcribe::Transcription& transcription, const LayoutOptions& options) {
  return options.layout == Layout::segments ? segment_cues(transcription, options)
                                            : readable_cues(transcription, options);
}

}  // namespace sotto::subtitles
