#include <cmath>

#include <fmt/format.h>

#include "transcribe/strip.h"
#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_csv(const transcribe::Transcription& transcription, const LayoutOptions&) {
  std::string out = "start,end,text\n";
  for (const auto& segment : transcription.segments) {
    out += fmt::format("{},{},\"{}\"\n", std::lrint(1000 * segment.start_s), std::lrint(1000 * segment.end_s),
                       replace_all(transcribe::strip(segment.text), "\"", "\"\""));
  }
  return out;
}

}  // namespace sotto::subtitles
