#pragma once

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/temp_dir.h"

namespace sotto::test {

inline std::filesystem::path golden_dir(const std::string& topic) {
  return source_dir() / "tests" / "golden" / topic;
}

inline nlohmann::json golden_json(const std::string& topic, const std::string& file) {
  return nlohmann::json::parse(read_file(golden_dir(topic) / file));
}

/// Little-endian float32 values of a golden file.
inline std::vector<float> golden_floats(const std::string& topic, const std::string& file) {
  const std::string bytes = read_file(golden_dir(topic) / file);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace sotto::test
