#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sotto/error.h"
#include "sotto/subtitles.h"
#include "transcribe/subtitles/writers.h"

namespace sotto::subtitles {
namespace {

struct Writer {
  Format format;
  std::string_view extension;
  bool has_cues;
  std::string (*write)(const transcribe::Transcription&, const LayoutOptions&);
};

constexpr std::array<Writer, 8> kWriters = {{{Format::txt, "txt", false, write_txt},
                                             {Format::srt, "srt", true, write_srt},
                                             {Format::vtt, "vtt", true, write_vtt},
                                             {Format::tsv, "tsv", false, write_tsv},
                                             {Format::json, "json", false, write_json},
                                             {Format::ass, "ass", true, write_ass},
                                             {Format::lrc, "lrc", true, write_lrc},
                                             {Format::csv, "csv", false, write_csv}}};

void require(bool holds, const char* option, const char* what) {
  if (!holds) {
    throw Error(ErrorCode::invalid_argument, option, what);
  }
}

const Writer& writer_of(Format format) {
  return *std::find_if(kWriters.begin(), kWriters.end(), [&](const Writer& w) { return w.format == format; });
}

}  // namespace

Format parse_format(std::string_view name) {
  const auto found =
      std::find_if(kWriters.begin(), kWriters.end(), [&](const Writer& w) { return w.extension == name; });
  if (found != kWriters.end()) {
    return found->format;
  }
  std::vector<std::string_view> known;
  for (const Writer& writer : kWriters) {
    known.push_back(writer.extension);
  }
  throw Error(ErrorCode::invalid_argument, "output_format",
              fmt::format("expected one of {}, found {}.", fmt::join(known, ", "), name));
}

std::string_view extension(Format format) {
  return writer_of(format).extension;
}

const std::vector<Format>& all_formats() {
  static const std::vector<Format> formats = [] {
    std::vector<Format> all;
    for (const Writer& writer : kWriters) {
      all.push_back(writer.format);
    }
    return all;
  }();
  return formats;
}

bool has_cues(Format format) {
  return writer_of(format).has_cues;
}

std::string write(const transcribe::Transcription& transcription,
                  Format format,
                  const LayoutOptions& layout) {
  return writer_of(format).write(transcription, layout);
}

void validate(const LayoutOptions& o) {
  require(o.max_line_width >= 0, "max_line_width", "expected a width, or 0 for the layout's own.");
  require(o.max_line_count >= 0, "max_line_count", "expected a count, or 0 for the layout's own.");
  require(o.max_words_per_line >= 0, "max_words_per_line", "expected a count, or 0 for no limit.");
  require(o.max_chars_per_second >= 1.0, "max_chars_per_second", "expected at least 1.");
  require(o.min_cue_duration >= 0.0, "min_cue_duration", "expected seconds, at least 0.");
  require(o.max_cue_duration >= std::max(o.min_cue_duration, 0.1), "max_cue_duration",
          "expected at least 0.1 s and at least min_cue_duration.");
  require(o.min_cue_gap >= 0.0, "min_cue_gap", "expected seconds, at least 0.");
  require(o.speaker.find_first_of("\r\n>,") == std::string::npos, "speaker",
          "expected a name on one line without \">\" or \",\".");
}

}  // namespace sotto::subtitles
