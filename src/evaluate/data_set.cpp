#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sotto/error.h"
#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTranscriptSuffix = ".trans.txt";
constexpr std::array<std::string_view, 6> kAudioExtensions = {".flac", ".wav",  ".mp3",
                                                              ".ogg",  ".opus", ".m4a"};

struct Files {
  std::vector<fs::path> transcripts;
  std::map<fs::path, fs::path> audio;  ///< path without extension → path
};

bool is_audio(const fs::path& path) {
  const std::string extension = path.extension().string();
  return std::find(kAudioExtensions.begin(), kAudioExtensions.end(), extension) != kAudioExtensions.end();
}

Files list_files(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) {
    throw Error(ErrorCode::not_found, directory.string(), "expected a folder of speech, found nothing.");
  }
  if (!fs::is_directory(directory, error)) {
    throw Error(ErrorCode::bad_format, directory.string(), "expected a folder of speech, found a file.");
  }
  Files files;
  try {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      const fs::path& path = entry.path();
      if (path.filename().string().ends_with(kTranscriptSuffix)) {
        files.transcripts.push_back(path);
      } else if (is_audio(path)) {
        files.audio.emplace(fs::path(path).replace_extension(), path);
      }
    }
  } catch (const fs::filesystem_error& e) {
    throw Error(ErrorCode::io, directory.string(), fmt::format("reading failed: {}.", e.code().message()));
  }
  std::sort(files.transcripts.begin(), files.transcripts.end());
  return files;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// Gathers utterances from transcript lines and remembers what could not be used.
class Reader {
 public:
  explicit Reader(Files files) : files_(std::move(files)) {}

  DataSet read() {
    for (const fs::path& transcript : files_.transcripts) {
      read_transcript(transcript);
    }
    for (const auto& [stem, path] : files_.audio) {
      if (!used_.contains(path)) {
        skip(path, "audio without a transcript");
      }
    }
    std::sort(data_.utterances.begin(), data_.utterances.end(),
              [](const Utterance& a, const Utterance& b) { return a.id < b.id; });
    return std::move(data_);
  }

 private:
  void read_transcript(const fs::path& transcript) {
    std::ifstream in(transcript, std::ios::binary);
    if (!in) {
      skip(transcript, "cannot be read");
    }
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (!trim(line).empty()) {
        read_line(transcript, number, trim(line));
      }
    }
  }

  void read_line(const fs::path& transcript, int number, std::string_view line) {
    const std::size_t space = line.find_first_of(" \t");
    const std::string id(line.substr(0, space));
    const std::string what = fmt::format("{}:{}", transcript.string(), number);
    if (id.find('/') != std::string::npos || id == "..") {
      return skip(what, fmt::format("expected an utterance id, found \"{}\"", id));
    }
    const auto audio = files_.audio.find(transcript.parent_path() / id);
    if (audio == files_.audio.end()) {
      return skip(what, fmt::format("transcript {} without audio", id));
    }
    if (!ids_.insert(id).second) {
      used_.insert(audio->second);
      return skip(what, fmt::format("id {} was met before", id));
    }
    used_.insert(audio->second);
    const std::string_view text =
        space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
    data_.utterances.push_back({id, audio->second, std::string(text)});
  }

  void skip(const fs::path& what, std::string_view why) {
    data_.skipped.push_back(fmt::format("{}: {}", what.string(), why));
  }

  Files files_;
  std::set<fs::path> used_;
  std::set<std::string> ids_;
  DataSet data_;
};

}  // namespace

DataSet read_librispeech(const fs::path& directory, std::size_t take) {
  DataSet data = Reader(list_files(directory)).read();
  if (data.utterances.empty()) {
    throw Error(
        ErrorCode::not_found, directory.string(),
        fmt::format("expected speech in LibriSpeech's layout (*.flac beside *{} of lines \"ID WORDS\"), "
                    "found no utterance ({} files could not be used).",
                    kTranscriptSuffix, data.skipped.size()));
  }
  if (take != 0 && take < data.utterances.size()) {
    data.utterances.resize(take);
  }
  return data;
}

}  // namespace sotto::evaluate
