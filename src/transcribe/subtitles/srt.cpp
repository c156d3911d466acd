#include <fmt/format.h>

#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/timestamp.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_srt(const transcribe::Transcription& transcription, const LayoutOptions& layout) {
  std::vector<Cue> cues = make_cues(transcription, layout);
  if (layout.highlight_words) {
    cues = underline_words(cues);
    if (layout.layout == Layout::readable) {
      std::erase_if(cues, [](const Cue& cue) { return shown_ms(cue.start_s) >= shown_ms(cue.end_s); });
    }
  }
  std::string out;
  int number = 0;
  for (const Cue& cue : cues) {
    out += fmt::format("{}\n{} --> {}\n{}\n\n", ++number, format_timestamp(cue.start_s, true, ','),
                       format_timestamp(cue.end_s, true, ','), cue.text());
  }
  return out;
}

}  // namespace sotto::subtitles
