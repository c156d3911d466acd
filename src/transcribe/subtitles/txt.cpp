#include "transcribe/strip.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_txt(const transcribe::Transcription& transcription, const LayoutOptions&) {
  std::string out;
  for (const auto& segment : transcription.segments) {
    out += transcribe::strip(segment.text);
    out += '\n';
  }
  return out;
}

}  // namespace sotto::subtitles
