#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

namespace sotto {

/// Parses a file that must hold one JSON object. Throws Error(not_found), or Error(bad_format) naming the
/// file and what was found instead.
nlohmann::json read_json_object(const std::filesystem::path& path);

/// The field `key` of `object` as T, or `fallback` where it is missing or null. Throws Error(bad_format)
/// naming file, field and both types where it has another type.
template <typename T>
T json_field(const nlohmann::json& object, const char* key, T fallback, const std::filesystem::path& path);

/// The same for a field that must be there.
template <typename T>
T required_json_field(const nlohmann::json& object, const char* key, const std::filesystem::path& path);

}  // namespace sotto

#include "core/json_file_inl.h"
