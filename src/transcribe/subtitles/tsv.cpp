#include <cmath>

#include <fmt/format.h>

#include "transcribe/strip.h"
#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_tsv(const transcribe::Transcription& transcription, const LayoutOptions&) {
  std::string out = "start\tend\ttext\n";
  for (const auto& segment : transcription.segments) {
    out += fmt::format("{}\t{}\t{}\n", std::lrint(1000 * segment.start_s), std::lrint(1000 * segment.end_s),
                       replace_all(transcribe::strip(segment.text), "\t", " "));
  }
  return out;
}

}  // namespace sotto::subtitles
