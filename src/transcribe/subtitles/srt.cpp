#include <fmt/format.h>

#include "transcribe/subtitles/cue_text.h"
#include "transcribe/subtitles/timestamp.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_srt(const transcribe::Transcription& transcription) {
  std::string out;
  int number = 0;
  for (const auto& segment : transcription.segments) {
    out += fmt::format("{}\n{} --> {}\n{}\n\n", ++number, format_timestamp(segment.start_s, true, ','),
                       format_timestamp(segment.end_s, true, ','), cue_text(segment.text));
  }
  return out;
}

}  // namespace sotto::subtitles
