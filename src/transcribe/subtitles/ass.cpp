#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {
namespace {

// White on a black outline at the foot of a 1920 x 1080 picture; words not yet sung are grey.
constexpr std::string_view kHeader = R"([Script Info]
ScriptType: v4.00+
WrapStyle: 2
ScaledBorderAndShadow: yes
PlayResX: 1920
PlayResY: 1080

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,64,&H00FFFFFF,&H00A0A0A0,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,60,60,54,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
)";

long centiseconds(double seconds) {
  return std::max(std::lrint(seconds * 100.0), 0L);
}

std::string ass_time(double seconds) {
  const long cs = centiseconds(seconds);
  return fmt::format("{}:{:02}:{:02}.{:02}", cs / 360'000, cs / 6000 % 60, cs / 100 % 60, cs % 100);
}

/// Text that is no markup: braces would begin it, and a backslash an escape unless something invisible
/// (U+2060) follows.
std::string escaped(std::string_view text) {
  std::string out = replace_all(text, "\\", "\\\u2060");
  out = replace_all(replace_all(out, "{", "\\{"), "}", "\\}");
  return replace_all(out, "\n", "\\N");
}

std::string karaoke(const Cue& cue) {
  std::string text;
  long sung_cs = centiseconds(cue.start_s);
  for (std::size_t i = 0; i < cue.words.size(); ++i) {
    const double next_s = i + 1 < cue.words.size() ? cue.words[i + 1].start_s : cue.words[i].end_s;
    const long end_cs = std::clamp(centiseconds(next_s), sung_cs, std::max(centiseconds(cue.end_s), sung_cs));
    text += fmt::format("{{\\k{}}}{}", end_cs - sung_cs, escaped(cue.words[i].text));
    sung_cs = end_cs;
  }
  return text;
}

}  // namespace

std::string write_ass(const transcribe::Transcription& transcription, const LayoutOptions& layout) {
  std::string out(kHeader);
  for (const Cue& cue : make_cues(transcription, layout)) {
    out += fmt::format("Dialogue: 0,{},{},Default,{},0,0,0,,{}\n", ass_time(cue.start_s), ass_time(cue.end_s),
                       layout.speaker, layout.highlight_words ? karaoke(cue) : escaped(cue.text()));
  }
  return out;
}

}  // namespace sotto::subtitles
