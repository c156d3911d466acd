#include "evaluate/compare_progress.h"

#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sotto/error.h"

namespace sotto::evaluate {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr const char* kSchema = "sotto.compare.progress";

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Sizes and times of the files of a model or a folder of results: other files, other figures.
Json fingerprint(const fs::path& directory) {
  Json files = Json::object();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_regular_file(error)) {
      files[entry.path().filename().string()] = {entry.file_size(error),
                                                 entry.last_write_time(error).time_since_epoch().count()};
    }
  }
  return {{"path", directory.string()}, {"files", files}};
}

std::string header_of(const std::vector<fs::path>& models, const std::string& settings) {
  Json header = {
      {"schema", kSchema}, {"schema_version", 1}, {"settings", settings}, {"models", Json::array()}};
  for (const fs::path& model : models) {
    header["models"].push_back(fingerprint(model));
  }
  return line_of(header);
}

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::optional<double> optional_number(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<double>());
}

Json turn_json(const Turn& turn) {
  return {{"hypothesis", turn.hypothesis},
          {"language", turn.language},
          {"is_missing", turn.is_missing},
          {"transcription_s", turn.transcription_s},
          {"first_segment_s", or_null(turn.first_segment_s)},
          {"energy_j", or_null(turn.energy_j)},
          {"encoder_ms", turn.encoder_ms},
          {"decoder_ms", turn.decoder_ms}};
}

Turn read_turn(const Json& json) {
  return {.hypothesis = json.at("hypothesis").get<std::string>(),
          .language = json.at("language").get<std::string>(),
          .is_missing = json.at("is_missing").get<bool>(),
          .transcription_s = json.at("transcription_s").get<double>(),
          .first_segment_s = optional_number(json.at("first_segment_s")),
          .energy_j = optional_number(json.at("energy_j")),
          .encoder_ms = json.at("encoder_ms").get<std::vector<double>>(),
          .decoder_ms = json.at("decoder_ms").get<std::vector<double>>()};
}

/// nullopt for what is no utterance of so many models.
std::optional<HeardUtterance> read_utterance(const std::string& line, std::size_t n_models) {
  try {
    const Json json = Json::parse(line);
    HeardUtterance heard{.id = json.at("id").get<std::string>(),
                         .reference = json.at("reference").get<std::string>(),
                         .n_samples = json.at("n_samples").get<std::size_t>(),
                         .turns = {}};
    for (const Json& turn : json.at("turns")) {
      heard.turns.push_back(read_turn(turn));
    }
    return heard.turns.size() == n_models ? std::optional(std::move(heard)) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

CompareProgress::CompareProgress(fs::path path,
                                 const std::vector<fs::path>& models,
                                 const std::string& settings)
    : path_(std::move(path)) {
  if (path_.empty()) {
    return;
  }
  const std::string header = header_of(models, settings);
  std::error_code error;
  if (fs::exists(path_, error)) {
    read(header, models.size());
  } else {
    std::ofstream(path_, std::ios::binary) << header;
  }
  file_.open(path_, std::ios::binary | std::ios::app);
  if (!file_) {
    throw Error(ErrorCode::io, path_.string(), "cannot be written.");
  }
}

void CompareProgress::read(const std::string& header, std::size_t n_models) {
  std::ifstream in(path_, std::ios::binary);
  std::string line;
  std::getline(in, line);
  const Json found = Json::parse(line, nullptr, false);
  if (!found.is_object() || found.value("schema", Json()) != kSchema) {
    throw Error(ErrorCode::bad_format, path_.string(),
                "expected what a comparison kept of its progress, found something else.");
  }
  if (line + "\n" != header) {
    throw Error(ErrorCode::invalid_argument, path_.string(),
                "expected progress of these models with these options, found that of others; remove it to "
                "begin anew.");
  }
  std::uintmax_t whole = header.size();
  while (std::getline(in, line) && !in.eof()) {
    auto heard = read_utterance(line, n_models);
    if (!heard) {
      break;
    }
    done_.push_back(std::move(*heard));
    whole += line.size() + 1;
  }
  in.close();
  std::error_code error;
  fs::resize_file(path_, whole, error);
  if (error) {
    throw Error(ErrorCode::io, path_.string(), fmt::format("cannot be written: {}.", error.message()));
  }
}

void CompareProgress::add(const HeardUtterance& utterance) {
  if (path_.empty()) {
    return;
  }
  Json turns = Json::array();
  for (const Turn& turn : utterance.turns) {
    turns.push_back(turn_json(turn));
  }
  file_ << line_of({{"id", utterance.id},
                    {"reference", utterance.reference},
                    {"n_samples", utterance.n_samples},
                    {"turns", turns}})
        << std::flush;
  if (!file_) {
    throw Error(ErrorCode::io, path_.string(), "writing failed.");
  }
}

}  // namespace sotto::evaluate
