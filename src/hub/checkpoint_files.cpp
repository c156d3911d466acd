#include "hub/checkpoint_files.h"

#include <array>

#include <fmt/format.h>

#include "core/json_file.h"
#include "hub/names.h"
#include "hub/url.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 12> kSmallFiles = {"config.json",
                                                          "generation_config.json",
                                                          "preprocessor_config.json",
                                                          "processor_config.json",
                                                          "tokenizer.json",
                                                          "tokenizer_config.json",
                                                          "vocab.json",
                                                          "merges.txt",
                                                          "added_tokens.json",
                                                          "special_tokens_map.json",
                                                          "normalizer.json",
                                                          "openvino_config.json"};

/// One copy of the weights, by falling preference.
constexpr std::array<std::string_view, 2> kWeights = {"model.safetensors", "pytorch_model.bin"};

bool is_ir_file(std::string_view name) {
  return name.starts_with("openvino_") && name.find('/') == std::string_view::npos &&
         (name.ends_with(".xml") || name.ends_with(".bin"));
}

void choose_weights(const std::set<std::string>& names, CheckpointFiles& chosen) {
  for (const std::string_view weights : kWeights) {
    const std::string name(weights);
    if (names.contains(name)) {
      chosen.files.push_back(name);
      return;
    }
    if (names.contains(name + ".index.json")) {
      chosen.index = name + ".index.json";
      chosen.files.push_back(chosen.index);
      return;
    }
  }
  constexpr std::array<std::string_view, 4> kIr = {"openvino_encoder_model.xml", "openvino_encoder_model.bin",
                                                   "openvino_decoder_model.xml",
                                                   "openvino_decoder_model.bin"};
  if (!names.contains(std::string(kIr.front()))) {
    chosen.missing.push_back("model.safetensors");
    return;
  }
  for (const std::string_view name : kIr) {
    if (!names.contains(std::string(name))) {
      chosen.missing.emplace_back(name);
    }
  }
  for (const std::string& name : names) {
    if (is_ir_file(name)) {
      chosen.files.push_back(name);
    }
  }
}

}  // namespace

CheckpointFiles choose_checkpoint_files(const std::set<std::string>& names) {
  CheckpointFiles chosen;
  for (const std::string_view name : kSmallFiles) {
    if (names.contains(std::string(name))) {
      chosen.files.emplace_back(name);
    }
  }
  if (!names.contains("config.json")) {
    chosen.missing.push_back("config.json");
  }
  if (!names.contains("tokenizer.json") && !(names.contains("vocab.json") && names.contains("merges.txt"))) {
    chosen.missing.push_back("tokenizer.json");
  }
  choose_weights(names, chosen);
  return chosen;
}

std::vector<std::string> read_shard_names(const fs::path& index) {
  const auto json = read_json_object(index);
  const auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object() || map->empty()) {
    throw Error(ErrorCode::bad_format, index.string(),
                "field \"weight_map\": expected an object of tensor and file names.");
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_safe_path(file.get_ref<const std::string&>())) {
      throw Error(ErrorCode::bad_format, index.string(),
                  fmt::format("field \"weight_map\": expected names of files beside it, found \"{}\".",
                              file.is_string() ? shown_text(file.get_ref<const std::string&>())
                                               : std::string(file.type_name())));
    }
    names.insert(file.get<std::string>());
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> missing_files(const fs::path& directory) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_regular_file(error)) {  // follows links: one whose blob is gone does not count
      names.insert(entry.path().filename().string());
    }
  }
  CheckpointFiles chosen = choose_checkpoint_files(names);
  if (!chosen.index.empty()) {
    for (const std::string& shard : read_shard_names(directory / chosen.index)) {
      if (!fs::is_regular_file(directory / shard, error)) {
        chosen.missing.push_back(shard);
      }
    }
  }
  return chosen.missing;
}

}  // namespace sotto::hub
