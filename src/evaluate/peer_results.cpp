#include "evaluate/peer_results.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "sotto/error.h"
#include "sotto/text.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

std::string string_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::string> joined_segments(const Json& segments) {
  if (!segments.is_array()) {
    return std::nullopt;
  }
  std::string text;
  for (const Json& segment : segments) {
    if (!segment.is_object() || !segment.contains("text") || !segment["text"].is_string()) {
      return std::nullopt;
    }
    text += segment["text"].get<std::string>();
  }
  return text;
}

/// "en" for "en" and "English"; empty for what is no language of Whisper's.
std::string code_of(const std::string& language) {
  try {
    return language.empty() ? language : text::language_code(language);
  } catch (const Error&) {
    return {};
  }
}

std::optional<PeerText> parse(const Json& json) {
  if (json.is_array()) {
    const auto text = joined_segments(json);
    return text && !json.empty() ? std::optional(PeerText{*text, {}}) : std::nullopt;
  }
  if (!json.is_object()) {
    return std::nullopt;
  }
  const std::string language = code_of(string_at(json, "language"));
  if (json.contains("text") && json["text"].is_string()) {
    return PeerText{json["text"].get<std::string>(), language};
  }
  const auto text = json.contains("segments") ? joined_segments(json["segments"]) : std::nullopt;
  return text ? std::optional(PeerText{*text, language}) : std::nullopt;
}

std::vector<fs::path> json_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") {
      files.push_back(entry->path());
    }
  }
  if (error) {
    throw Error(error == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
                directory.string(),
                fmt::format("expected a model directory or a folder of results: {}.", error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

PeerResults read_peer_results(const fs::path& directory) {
  PeerResults results;
  for (const fs::path& file : json_files(directory)) {
    std::ifstream in(file, std::ios::binary);
    const auto text = parse(Json::parse(in, nullptr, false));
    if (!text) {
      log(LogLevel::warning, fmt::format("{}: expected a transcription with \"text\" or \"segments\", found "
                                         "something else.",
                                         file.string()));
    } else if (!results.texts.emplace(file.stem().string(), *text).second) {
      log(LogLevel::warning, fmt::format("{}: a result of that name was met before.", file.string()));
    }
  }
  return results;
}

}  // namespace sotto::evaluate
