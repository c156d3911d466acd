#include <fmt/format.h>

#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/timestamp.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {

std::string write_vtt(const transcribe::Transcription& transcription) {
  std::string out = "WEBVTT\n\n";
  for (const Cue& cue : make_cues(transcription)) {
    out += fmt::format("{} --> {}\n{}\n\n", format_timestamp(cue.start_s, false, '.'),
                       format_timestamp(cue.end_s, false, '.'), cue.text);
  }
  return out;
}

}  // namespace sotto::subtitles
