#include "cli/output_files.h"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "sotto/error.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

std::vector<subtitles::Format> parse_formats(std::string_view names) {
  std::vector<subtitles::Format> formats;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    if (name == "all") {
      return subtitles::all_formats();
    }
    const subtitles::Format format = subtitles::parse_format(name);
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) {
      formats.push_back(format);
    }
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return formats;
}

}  // namespace

std::vector<subtitles::Format> chosen_formats(const TranscribeArguments& arguments) {
  if (!arguments.to_stdout) {
    return parse_formats(arguments.output_format.empty() ? "all" : arguments.output_format);
  }
  const auto formats = parse_formats(arguments.output_format.empty() ? "txt" : arguments.output_format);
  if (formats.size() != 1) {
    throw Error(ErrorCode::invalid_argument, "--stdout",
                fmt::format("expected one --output-format, found \"{}\".", arguments.output_format));
  }
  return formats;
}

void prepare_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || !fs::is_directory(directory)) {
    throw Error(
        ErrorCode::io, directory.string(),
        fmt::format("expected a directory to write to: {}.", error ? error.message() : "found a file"));
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorCode::io, directory.string(), "expected a directory to write to: no permission.");
  }
}

OutputFiles::OutputFiles(fs::path directory,
                         std::vector<subtitles::Format> formats,
                         subtitles::LayoutOptions layout)
    : directory_(std::move(directory)), formats_(std::move(formats)), layout_(std::move(layout)) {}

std::vector<fs::path> OutputFiles::write(const std::string& name,
                                         const transcribe::Transcription& heard) const {
  std::vector<fs::path> paths;
  for (const subtitles::Format format : formats_) {
    paths.push_back(path_of(name, format));
    write_file_atomically(paths.back(), subtitles::write(heard, format, layout_));
    std::error_code ignored;
    fs::remove(path_of(name + ".partial", format), ignored);
  }
  return paths;
}

std::vector<fs::path> OutputFiles::write_partial(const std::string& name,
                                                 const transcribe::Transcription& heard) const {
  std::vector<fs::path> paths;
  if (heard.segments.empty()) {
    return paths;
  }
  for (const subtitles::Format format : formats_) {
    const fs::path path = path_of(name + ".partial", format);
    try {
      write_file_atomically(path, subtitles::write(heard, format, layout_));
    } catch (const Error&) {
      return paths;
    }
    paths.push_back(path);
  }
  return paths;
}

fs::path OutputFiles::journal_path(const std::string& name) const {
  return directory_ / (name + ".partial.journal");
}

fs::path OutputFiles::path_of(const std::string& name, subtitles::Format format) const {
  return directory_ / fmt::format("{}.{}", name, subtitles::extension(format));
}

}  // namespace sotto::cli
