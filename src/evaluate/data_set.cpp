#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "evaluate/speech_files.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

struct Files {
  std::vector<fs::path> transcripts;
  std::map<fs::path, fs::path> texts;  ///< path without extension → path
  std::map<fs::path, fs::path> audio;  ///< path without extension → path
};

Files list_files(const fs::path& directory, bool translated) {
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
      if (is_transcript_name(path, translated)) {
        files.transcripts.push_back(path);
      } else if (is_audio_name(path)) {
        files.audio.emplace(fs::path(path).replace_extension(), path);
      } else if (is_text_name(path)) {
        files.texts.emplace(fs::path(path).replace_extension(), path);
      }
    }
  } catch (const fs::filesystem_error& e) {
    throw Error(ErrorCode::io, directory.string(), fmt::format("reading failed: {}.", e.code().message()));
  }
  std::sort(files.transcripts.begin(), files.transcripts.end());
  return files;
}

/// Gathers utterances from transcript lines and remembers what could not be used.
class Reader {
 public:
  Reader(Files files, fs::path directory, bool untranscribed)
      : files_(std::move(files)), directory_(std::move(directory)), untranscribed_(untranscribed) {}

  DataSet read() {
    for (const fs::path& transcript : files_.transcripts) {
      read_transcript(transcript);
    }
    for (const auto& [stem, path] : files_.audio) {
      if (!used_.contains(path)) {
        read_text_beside(stem, path);
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
      if (!trimmed(line).empty()) {
        read_line(transcript, number, line);
      }
    }
  }

  void read_line(const fs::path& transcript, int number, std::string_view line) {
    const auto [id, words] = split_transcript_line(line);
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
    data_.utterances.push_back({id, audio->second, words});
  }

  /// The words of `audio` from the .txt of its name, none where that may be; its id is its path in the
  /// folder, without extension.
  void read_text_beside(const fs::path& stem, const fs::path& audio) {
    const auto text = files_.texts.find(stem);
    if (text == files_.texts.end() && !untranscribed_) {
      return skip(audio, "audio without a transcript");
    }
    const std::string id = stem.lexically_relative(directory_).generic_string();
    if (!ids_.insert(id).second) {
      return skip(audio, fmt::format("id {} was met before", id));
    }
    std::string words;
    if (text != files_.texts.end()) {
      std::ifstream in(text->second, std::ios::binary);
      words.assign(std::istreambuf_iterator<char>(in), {});
    }
    data_.utterances.push_back({id, audio, std::string(trimmed(words))});
  }

  void skip(const fs::path& what, std::string_view why) {
    data_.skipped.push_back(fmt::format("{}: {}", what.string(), why));
  }

  Files files_;
  fs::path directory_;
  bool untranscribed_;
  std::set<fs::path> used_;
  std::set<std::string> ids_;
  DataSet data_;
};

}  // namespace

DataSet read_folder(const fs::path& directory, const DataOptions& options) {
  DataSet data = Reader(list_files(directory, options.translated), directory, options.untranscribed).read();
  if (data.utterances.empty()) {
    throw Error(
        ErrorCode::not_found, directory.string(),
        fmt::format(
            "expected speech in LibriSpeech's layout (*.flac beside *.{}.txt of lines \"ID WORDS\") or "
            "with a .txt beside each file, found no utterance ({} files could not be used).",
            options.translated ? "translation" : "trans", data.skipped.size()));
  }
  return data;
}

DataSet read_librispeech(const fs::path& directory, std::size_t take) {
  DataSet data = is_table_name(directory) && fs::is_regular_file(directory)
                     ? read_manifest(directory)
                     : read_folder(directory, DataOptions());
  if (take != 0 && take < data.utterances.size()) {
    data.utterances.resize(take);
  }
  return data;
}

}  // namespace sotto::evaluate
