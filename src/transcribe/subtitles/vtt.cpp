#include <fmt/format.h>

#include "transcribe/subtitles/cue_text.h"
#include "transcribe/subtitles/timestamp.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_vtt(const transcribe::Transcription& transcription) {
  std::string out = "WEBVTT\n\n";
  for (const auto& segment : transcription.segments) {
    out += fmt::format("{} --> {}\n{}\n\n", format_timestamp(segment.start_s, false, '.'),
                       format_timestamp(segment.end_s, false, '.'), cue_text(segment.text));
  }
  return out;
}

}  // namespace sotto::subtitles
