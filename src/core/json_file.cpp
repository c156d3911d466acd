#include "core/json_file.h"

#include <fstream>

#include <fmt/format.h>

namespace sotto {

nlohmann::json read_json_object(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw Error(ErrorCode::not_found, path.string(), "expected a JSON file, found nothing.");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, error)) {
    throw Error(ErrorCode::io, path.string(), "cannot be read.");
  }
  nlohmann::json parsed;
  try {
    parsed = nlohmann::json::parse(in);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::bad_format, path.string(), fmt::format("expected JSON: {}.", e.what()));
  }
  if (!parsed.is_object()) {
    throw Error(ErrorCode::bad_format, path.string(),
                fmt::format("expected a JSON object, found {}.", parsed.type_name()));
  }
  return parsed;
}

}  // namespace sotto
