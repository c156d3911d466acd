#include "transcribe/subtitles/cue_text.h"

#include "transcribe/strip.h"

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

std::string cue_text(std::string_view text) {
  return replace_all(transcribe::strip(text), "-->", "->");
}

}  // namespace sotto::subtitles
