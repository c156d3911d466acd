#pragma once

#include <string>

#include "sotto/error.h"

namespace sotto {

template <typename T>
T required_json_field(const nlohmann::json& object, const char* key, const std::filesystem::path& path) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    throw Error(ErrorCode::bad_format, path.string(), std::string("field \"") + key + "\" is missing.");
  }
  try {
    return found->get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Error(
        ErrorCode::bad_format, path.string(),
        std::string("field \"") + key + "\" has an unexpected type: found " + found->type_name() + ".");
  }
}

template <typename T>
T json_field(const nlohmann::json& object, const char* key, T fallback, const std::filesystem::path& path) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return fallback;
  }
  return required_json_field<T>(object, key, path);
}

}  // namespace sotto
