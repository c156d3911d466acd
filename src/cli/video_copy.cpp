#include "cli/video_copy.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "cli/child_process.h"
#include "core/atomic_file.h"
#include "sotto/error.h"
#include "sotto/subtitles.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

/// FFmpeg's codec of text subtitles by container.
std::string_view subtitle_codec(const std::string& extension) {
  static const std::map<std::string_view, std::string_view> kCodecs = {
      {".mp4", "mov_text"}, {".m4v", "mov_text"}, {".mov", "mov_text"}, {".mkv", "srt"}, {".webm", "webvtt"}};
  const auto found = kCodecs.find(extension);
  return found == kCodecs.end() ? "" : found->second;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::string escape(std::string_view text, std::string_view special) {
  std::string escaped;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) {
      escaped += '\\';
    }
    escaped += c;
  }
  return escaped;
}

/// Removed when it goes out of scope; harmless once renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Local files only, whatever the media name inside.
std::vector<std::string> input_of(const fs::path& path) {
  return {"-protocol_whitelist", "file", "-i", "file:" + path.string()};
}

void append(std::vector<std::string>& command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
}

std::vector<std::string> mux_command(const fs::path& video, const fs::path& subtitles, const fs::path& copy) {
  std::vector<std::string> command = {"ffmpeg", "-nostdin", "-y", "-v", "error"};
  append(command, input_of(video));
  append(command, input_of(subtitles));
  append(command, {"-map", "0:v", "-map", "0:a?", "-map", "1:0", "-c", "copy", "-c:s",
                   std::string(subtitle_codec(copy.extension().string())), "-disposition:s:0", "default"});
  command.push_back("file:" + copy.string());
  return command;
}

std::vector<std::string> burn_command(const fs::path& video,
                                      const fs::path& subtitles,
                                      const fs::path& copy) {
  std::vector<std::string> command = {"ffmpeg", "-nostdin", "-y", "-v", "error"};
  append(command, input_of(video));
  append(command, {"-map", "0:v:0", "-map", "0:a?", "-vf", "ass=filename=" + filter_value(subtitles.string()),
                   "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "copy"});
  command.push_back("file:" + copy.string());
  return command;
}

}  // namespace

fs::path video_copy_path(const std::string& original_name,
                         const fs::path& directory,
                         const std::string& output_name,
                         bool burn) {
  std::string extension = lower(fs::path(original_name).extension().string());
  const bool holds_pictures_anew = extension != ".webm";
  if (subtitle_codec(extension).empty() || (burn && !holds_pictures_anew)) {
    extension = ".mkv";
  }
  return directory / (output_name + ".subtitled" + extension);
}

std::string filter_value(const std::string& path) {
  return escape(escape(path, "\\':"), "\\'[],;");
}

void write_video_copy(const fs::path& video,
                      const transcribe::Transcription& heard,
                      const TranscribeArguments& arguments,
                      const fs::path& copy,
                      const std::stop_token& stop) {
  const auto format = arguments.burn ? subtitles::Format::ass : subtitles::Format::srt;
  const std::string stem = fmt::format(".{}.{}.partial", copy.stem().string(), ::getpid());
  const TemporaryFile text(copy.parent_path() / fmt::format("{}.{}", stem, subtitles::extension(format)));
  const TemporaryFile partial(copy.parent_path() / (stem + copy.extension().string()));
  write_file_atomically(text.path(), subtitles::write(heard, format, arguments.layout));
  const ChildResult result = run_program(arguments.burn ? burn_command(video, text.path(), partial.path())
                                                        : mux_command(video, text.path(), partial.path()),
                                         stop);
  if (result.status != 0) {
    throw Error(ErrorCode::io, copy.string(),
                fmt::format("ffmpeg failed with status {}: {}", result.status, result.last_words));
  }
  std::error_code error;
  fs::rename(partial.path(), copy, error);
  if (error) {
    throw Error(ErrorCode::io, copy.string(), fmt::format("renaming failed: {}.", error.message()));
  }
}

void expect_ffmpeg(const TranscribeArguments& arguments) {
  if ((arguments.burn || arguments.mux) && !has_program("ffmpeg")) {
    throw Error(ErrorCode::unsupported, arguments.burn ? "--burn" : "--mux",
                "expected the program ffmpeg on PATH, found none.");
  }
}

}  // namespace sotto::cli
