#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <openvino/core/type/float16.hpp>

#include "model/safetensors.h"
#include "support/temp_dir.h"

namespace sotto::test {

/// A safetensors file: header length, header, data.
inline std::string safetensors(const std::string& header, const std::string& data = {}) {
  std::string file;
  for (unsigned i = 0; i < 8; ++i) {
    file += static_cast<char>(header.size() >> (8 * i) & 0xFFU);
  }
  return file + header + data;
}

inline std::filesystem::path golden_dir(const std::string& model) {
  return source_dir() / "tests/golden/model" / model;
}

inline std::vector<float> bf16_values(const model::TensorView& tensor) {
  std::vector<float> values;
  for (std::size_t i = 0; i + 1 < tensor.bytes.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, tensor.bytes.data() + i, 2);
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U));
  }
  return values;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string encode(const std::vector<float>& values, const std::string& dtype) {
  return dtype == "F32" ? bytes_of(values) : bytes_of(std::vector<ov::float16>(values.begin(), values.end()));
}

/// A file of the golden model's tensors whose names `wanted` accepts, in "F32" or "F16".
template <typename Wanted>
std::string recoded(const model::TensorMap& tensors, const std::string& dtype, Wanted&& wanted) {
  nlohmann::json header;
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    if (!wanted(name)) {
      continue;
    }
    const std::string bytes = encode(bf16_values(tensor), dtype);
    header[name] = {{"dtype", dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + bytes.size()}}};
    data += bytes;
  }
  return safetensors(header.dump(), data);
}

/// Copies a golden checkpoint's JSON files.
inline void copy_json(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* name : {"config.json", "added_tokens.json"}) {
    std::filesystem::copy_file(from / name, to / name);
  }
}

/// The golden checkpoint `model` in another element type, as one file.
inline void write_recoded(const std::string& model,
                          const std::string& dtype,
                          const std::filesystem::path& to) {
  const auto files = model::read_safetensors(golden_dir(model));
  copy_json(golden_dir(model), to);
  write_file(to / "model.safetensors",
             recoded(files.tensors, dtype, [](const std::string&) { return true; }));
}

/// The same split in two shards with an index.
inline void write_sharded(const std::string& model, const std::filesystem::path& to) {
  const auto files = model::read_safetensors(golden_dir(model));
  copy_json(golden_dir(model), to);
  nlohmann::json weight_map;
  const auto is_first = [](const std::string& name) { return name.starts_with("model.encoder"); };
  for (const auto& [name, tensor] : files.tensors) {
    weight_map[name] =
        is_first(name) ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  write_file(to / "model-00001-of-00002.safetensors", recoded(files.tensors, "F32", is_first));
  write_file(to / "model-00002-of-00002.safetensors",
             recoded(files.tensors, "F16", [&](const std::string& name) { return !is_first(name); }));
  write_file(to / "model.safetensors.index.json", nlohmann::json{{"weight_map", weight_map}}.dump());
}

}  // namespace sotto::test
