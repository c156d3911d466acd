#include "cli/journal.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
using transcribe::Checkpoint;
using transcribe::Segment;
using transcribe::Transcription;
using transcribe::Word;

constexpr const char* kSchema = "sotto.journal";
constexpr int kSchemaVersion = 1;

[[noreturn]] void throw_unusable(const fs::path& path, const std::string& reason) {
  throw Error(ErrorCode::bad_format, path.string(), reason);
}

[[noreturn]] void throw_errno(const fs::path& path, std::string_view action) {
  throw Error(ErrorCode::io, path.string(),
              fmt::format("{} failed: {}.", action, std::generic_category().message(errno)));
}

/// JSON has no infinities; what is not finite is null there and not a number here.
double number(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Json to_json(const Segment& segment) {
  Json json = {{"id", segment.id},
               {"seek", segment.seek_frames},
               {"start", segment.start_s},
               {"end", segment.end_s},
               {"stamp_start", segment.stamp_start_s},
               {"stamp_end", segment.stamp_end_s},
               {"text", segment.text},
               {"tokens", segment.tokens},
               {"temperature", segment.temperature},
               {"avg_logprob", segment.avg_logprob},
               {"compression_ratio", segment.compression_ratio},
               {"no_speech_prob", segment.no_speech_prob},
               {"language", segment.language},
               {"words", Json::array()}};
  for (const Word& word : segment.words) {
    json["words"].push_back({word.word, word.start_s, word.end_s, word.probability});
  }
  return json;
}

Segment segment_of(const Json& json) {
  Segment segment{.id = json.at("id").get<int>(),
                  .seek_frames = json.at("seek").get<std::size_t>(),
                  .start_s = number(json, "start"),
                  .end_s = number(json, "end"),
                  .text = json.at("text").get<std::string>(),
                  .tokens = json.at("tokens").get<std::vector<std::int32_t>>(),
                  .temperature = number(json, "temperature"),
                  .avg_logprob = number(json, "avg_logprob"),
                  .compression_ratio = number(json, "compression_ratio"),
                  .no_speech_prob = number(json, "no_speech_prob"),
                  .stamp_start_s = number(json, "stamp_start"),
                  .stamp_end_s = number(json, "stamp_end"),
                  .language = json.at("language").get<std::string>()};
  for (const Json& word : json.at("words")) {
    segment.words.push_back({word.at(0).get<std::string>(), word.at(1).get<double>(),
                             word.at(2).get<double>(), word.at(3).get<double>()});
  }
  return segment;
}

Json to_json(const Checkpoint& checkpoint) {
  return {{"clip", checkpoint.clip},
          {"seek", checkpoint.seek_frames},
          {"language", checkpoint.language},
          {"language_probability", checkpoint.language_probability},
          {"prompt_reset_since", checkpoint.prompt_reset_since},
          {"last_speech", checkpoint.last_speech_s}};
}

Checkpoint checkpoint_of(const Json& json) {
  return {.clip = json.at("clip").get<std::size_t>(),
          .seek_frames = json.at("seek").get<std::size_t>(),
          .language = json.at("language").get<std::string>(),
          .language_probability = number(json, "language_probability"),
          .prompt_reset_since = json.at("prompt_reset_since").get<std::size_t>(),
          .last_speech_s = number(json, "last_speech")};
}

Json to_json(const Transcription& heard) {
  return {{"text", heard.text},
          {"language", heard.language},
          {"language_probability", heard.language_probability},
          {"duration", heard.duration_s}};
}

Transcription transcription_of(const Json& json) {
  Transcription heard;
  heard.text = json.at("text").get<std::string>();
  heard.language = json.at("language").get<std::string>();
  heard.language_probability = number(json, "language_probability");
  heard.duration_s = number(json, "duration");
  return heard;
}

void take_line(const Json& line, JournalContent& content) {
  if (line.contains("finished")) {
    content.finished = transcription_of(line.at("finished"));
    return;
  }
  const Checkpoint checkpoint = checkpoint_of(line.at("checkpoint"));
  std::vector<Segment> segments;
  for (const Json& segment : line.at("segments")) {
    segments.push_back(segment_of(segment));
  }
  content.heard.checkpoint = checkpoint;
  std::move(segments.begin(), segments.end(), std::back_inserter(content.heard.segments));
}

/// What differs first, in words: "options.beam_size was 5 and is 1"; empty if nothing does.
std::string difference(const Json& then, const Json& now, const std::string& name) {
  if (then == now) {
    return "";
  }
  if (then.is_object() && now.is_object()) {
    for (const auto& [key, value] : now.items()) {
      const std::string inner = name.empty() ? key : name + "." + key;
      const std::string found =
          then.contains(key) ? difference(then.at(key), value, inner) : inner + " is new";
      if (!found.empty()) {
        return found;
      }
    }
  }
  const auto shown = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  return fmt::format("{} was {} and is {}", name, shown(then), shown(now));
}

/// As it will be read again: infinities are null by then.
Json header_of(const Json& binding) {
  Json header = {{"schema", kSchema}, {"schema_version", kSchemaVersion}};
  header.update(binding);
  return Json::parse(header.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void expect_same(const fs::path& path, const std::string& first_line, const Json& binding) {
  const Json header = Json::parse(first_line, nullptr, false);
  if (!header.is_object() || header.value("schema", "") != kSchema) {
    throw_unusable(path, "expected a journal of sotto transcribe, found another kind of file.");
  }
  if (const std::string found = difference(header, header_of(binding), ""); !found.empty()) {
    throw_unusable(path, fmt::format("expected a journal of the same audio, model and options: {}.", found));
  }
}

std::int64_t changed_ns(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return error ? 0 : std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

nlohmann::ordered_json file_identity(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    return {{"bytes", fs::file_size(path, error)}, {"changed_ns", changed_ns(path)}};
  }
  Json files = Json::object();
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  for (const fs::path& file : found) {
    files[file.filename().string()] = file_identity(file);
  }
  return files;
}

nlohmann::ordered_json content_identity(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  std::uintmax_t n_bytes = 0;
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    const auto n = static_cast<std::size_t>(file.gcount());
    for (std::size_t i = 0; i < n; ++i) {
      hash = (hash ^ static_cast<unsigned char>(buffer[i])) * 0x100000001b3ULL;
    }
    n_bytes += n;
  }
  if (!file.eof()) {
    throw Error(ErrorCode::io, path.string(), "reading failed.");
  }
  return {{"bytes", n_bytes}, {"fnv1a", fmt::format("{:016x}", hash)}};
}

std::optional<JournalContent> read_journal(const fs::path& path, const nlohmann::ordered_json& binding) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line) || file.eof()) {
    return std::nullopt;
  }
  expect_same(path, line, binding);
  JournalContent content;
  content.n_bytes = line.size() + 1;
  bool has_windows = false;
  while (std::getline(file, line) && !file.eof()) {
    try {
      take_line(Json::parse(line), content);
    } catch (const Json::exception&) {
      break;  // power went away in the midst of it; what is behind it is heard again
    }
    content.n_bytes += line.size() + 1;
    has_windows = true;
  }
  if (content.finished) {
    content.finished->segments = content.heard.segments;
  }
  return has_windows ? std::optional(std::move(content)) : std::nullopt;
}

Journal::Journal(fs::path path,
                 const nlohmann::ordered_json& binding,
                 const std::optional<JournalContent>& read)
    : path_(std::move(path)), holds_windows_(read.has_value()) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file_ < 0) {
    throw_errno(path_, "writing");
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 ||
      ::ftruncate(file_, read ? static_cast<off_t>(read->n_bytes) : 0) != 0) {
    const int error = errno;
    ::close(file_);
    errno = error;
    throw_errno(path_, "writing");
  }
  if (!read && !write_line(header_of(binding))) {
    errno = ENOSPC;
    throw_errno(path_, "writing");
  }
}

Journal::~Journal() {
  if (file_ >= 0) {
    ::close(file_);
    if (!holds_windows_) {
      remove();
    }
  }
}

bool Journal::checkpoint(const Checkpoint& checkpoint) {
  Json segments = Json::array();
  for (const Segment& segment : segments_) {
    segments.push_back(to_json(segment));
  }
  segments_.clear();
  return write_line({{"segments", std::move(segments)}, {"checkpoint", to_json(checkpoint)}});
}

bool Journal::finish(const Transcription& heard) {
  return write_line({{"finished", to_json(heard)}});
}

/// A journal with a gap would be worse than none: where writing fails it goes away.
bool Journal::write_line(const nlohmann::ordered_json& line) {
  if (file_ < 0) {
    return true;
  }
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t n = ::write(file_, left.data(), left.size());
    if (n < 0 && errno != EINTR) {
      ::close(file_);
      file_ = -1;
      remove();
      return false;
    }
    left.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  holds_windows_ = holds_windows_ || !line.contains("schema");
  return true;
}

void Journal::remove() noexcept {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace sotto::cli
