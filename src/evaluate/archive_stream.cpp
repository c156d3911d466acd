#include "evaluate/archive_stream.h"

#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "evaluate/memory_file.h"
#include "evaluate/speech_files.h"
#include "sotto/error.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostAudioBytes = 512'000'000;      // of one recording
constexpr std::size_t kMostTextBytes = 64'000'000;        // of one transcript
constexpr std::size_t kMostWaitingBytes = 1'000'000'000;  // of recordings whose words have not come
constexpr std::size_t kShuffled = 256;

/// A recording as its file has it, and its words.
struct Item {
  std::string id;
  std::string text;
  std::string audio;
};

/// Brings sound and words together, whichever comes first.
class Partners {
 public:
  explicit Partners(bool translated) : translated_(translated) {}

  /// Takes a member of the archive in and appends to `ready` what is complete with it.
  void take(const fs::path& path, std::string content, std::deque<Item>& ready) {
    if (is_audio_name(path)) {
      const fs::path key = fs::path(path).replace_extension();
      if (const auto words = words_.find(key); words != words_.end()) {
        finish(key, std::move(words->second), std::move(content), ready);
        words_.erase(words);
        return;
      }
      waiting_bytes_ += content.size();
      audio_[key] = std::move(content);
      return;
    }
    if (is_transcript_name(path, translated_)) {
      std::istringstream lines(content);
      for (std::string line; std::getline(lines, line);) {
        const auto [id, words] = split_transcript_line(line);
        if (!id.empty()) {
          take_words(path.parent_path() / id, words, ready);
        }
      }
      return;
    }
    take_words(fs::path(path).replace_extension(), std::string(trimmed(content)), ready);
  }

  std::size_t waiting_bytes() const { return waiting_bytes_; }
  std::vector<std::string>& skipped() { return skipped_; }
  const std::vector<std::string>& skipped() const { return skipped_; }

  /// What is left alone at the archive's end.
  void note_rest() {
    for (const auto& [key, content] : audio_) {
      skipped_.push_back(fmt::format("{}: audio without a transcript", key.string()));
    }
    for (const auto& [key, words] : words_) {
      skipped_.push_back(fmt::format("{}: transcript without audio", key.string()));
    }
  }

 private:
  void take_words(const fs::path& key, std::string words, std::deque<Item>& ready) {
    const auto audio = audio_.find(key);
    if (audio == audio_.end()) {
      words_[key] = std::move(words);
      return;
    }
    waiting_bytes_ -= audio->second.size();
    finish(key, std::move(words), std::move(audio->second), ready);
    audio_.erase(audio);
  }

  void finish(const fs::path& key, std::string words, std::string audio, std::deque<Item>& ready) {
    const std::string id = key.filename().string();
    if (!ids_.insert(id).second) {
      skipped_.push_back(fmt::format("{}: id {} was met before", key.string(), id));
      return;
    }
    ready.push_back({id, std::move(words), std::move(audio)});
  }

  bool translated_;
  std::map<fs::path, std::string> audio_;  ///< path without extension → bytes
  std::map<fs::path, std::string> words_;
  std::set<std::string> ids_;
  std::size_t waiting_bytes_ = 0;
  std::vector<std::string> skipped_;
};

class ArchiveStream : public SpeechStream {
 public:
  ArchiveStream(std::string name, ReadBytes read, const DataOptions& options)
      : name_(std::move(name)),
        options_(options),
        reader_(name_, std::move(read)),
        partners_(options.translated),
        random_(options.seed) {}

  std::optional<Speech> next() override {
    while (options_.take == 0 || n_given_ < options_.take) {
      std::optional<Item> item = next_item();
      if (!item) {
        return std::nullopt;
      }
      if (n_passed_ < options_.skip) {
        ++n_passed_;
        continue;
      }
      try {
        const MemoryFile file(item->audio);
        Speech speech = load_speech(item->id, item->text, file.path());
        ++n_given_;
        return speech;
      } catch (const Error& e) {
        partners_.skipped().push_back(fmt::format("{}: {}", item->id, why(e)));
      }
    }
    return std::nullopt;
  }

  std::optional<std::size_t> size() const override {
    return options_.take == 0 ? std::nullopt : std::optional(options_.take);
  }
  const std::vector<std::string>& skipped() const override { return partners_.skipped(); }

 private:
  /// What an error says without the file it names, which is a place in memory here.
  static std::string why(const Error& error) {
    const std::string what = error.what();
    const std::size_t colon = what.find(": ");
    return colon == std::string::npos ? what : what.substr(colon + 2);
  }

  /// The next complete one, of several at random where that is asked for.
  std::optional<Item> next_item() {
    const std::size_t wanted = options_.shuffle ? kShuffled : 1;
    while (ready_.size() < wanted && !ended_) {
      read_member();
    }
    if (ready_.empty()) {
      if (failure_) {
        std::rethrow_exception(failure_);
      }
      return std::nullopt;
    }
    if (options_.shuffle) {
      std::swap(ready_.front(), ready_[random_() % ready_.size()]);
    }
    Item item = std::move(ready_.front());
    ready_.pop_front();
    return item;
  }

  void read_member() {
    try {
      const auto member = reader_.next();
      if (!member) {
        ended_ = true;
        partners_.note_rest();
      } else if (!is_tame_path(*member)) {
        partners_.skipped().push_back(
            fmt::format("{}: a member's path leads out of the archive: \"{}\"", name_, printable(*member)));
      } else {
        take_member(*member);
      }
    } catch (...) {
      ended_ = true;
      failure_ = std::current_exception();  // told once what came before has been given
    }
  }

  void take_member(const fs::path& path) {
    if (is_audio_name(path)) {
      partners_.take(path, reader_.content(kMostAudioBytes), ready_);
    } else if (is_transcript_name(path, options_.translated) || is_text_name(path)) {
      partners_.take(path, reader_.content(kMostTextBytes), ready_);
    }
    if (partners_.waiting_bytes() > kMostWaitingBytes) {
      throw Error(
          ErrorCode::unsupported, name_,
          fmt::format("expected transcripts near their recordings, found {} MB of audio without words.",
                      kMostWaitingBytes / 1'000'000));
    }
  }

  static std::string printable(std::string text) {
    for (char& c : text) {
      c = static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
    return text;
  }

  const std::string name_;
  const DataOptions options_;
  ArchiveReader reader_;
  Partners partners_;
  std::mt19937_64 random_;
  std::deque<Item> ready_;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::size_t n_passed_ = 0;
  std::size_t n_given_ = 0;
};

}  // namespace

std::unique_ptr<SpeechStream> open_archive(std::string name, ReadBytes read, const DataOptions& options) {
  return std::make_unique<ArchiveStream>(std::move(name), std::move(read), options);
}

}  // namespace sotto::evaluate
