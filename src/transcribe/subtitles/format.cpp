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
  std::string (*write)(const transcribe::Transcription&);
};

constexpr std::array<Writer, 5> kWriters = {{{Format::txt, "txt", write_txt},
                                             {Format::srt, "srt", write_srt},
                                             {Format::vtt, "vtt", write_vtt},
                                             {Format::tsv, "tsv", write_tsv},
                                             {Format::json, "json", write_json}}};

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

std::string write(const transcribe::Transcription& transcription, Format format) {
  return writer_of(format).write(transcription);
}

}  // namespace sotto::subtitles
