#pragma once

#include <string>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "cli/field_text.h"
#include "sotto/fields.h"

namespace sotto::cli {

using Json = nlohmann::ordered_json;

/// Option structs as JSON objects keyed by field name; enums by their names.
template <typename Options>
Json fields_json(const Options& options) {
  Json json = Json::object();
  visit_fields(options, [&json](const Field& field, const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<T>) {
      json[std::string(field.name)] = value_text(value);
    } else if constexpr (std::is_same_v<T, quantize::IgnoredScope>) {
      json[std::string(field.name)] = fields_json(value);
    } else if constexpr (std::is_same_v<T, std::optional<quantize::RangeEstimator>>) {
      json[std::string(field.name)] = value ? fields_json(*value) : Json(nullptr);
    } else if constexpr (std::is_same_v<T, std::vector<quantize::Subgraph>>) {
      Json list = Json::array();
      for (const quantize::Subgraph& part : value) {
        list.push_back(fields_json(part));
      }
      json[std::string(field.name)] = std::move(list);
    } else if constexpr (std::is_same_v<T, std::optional<double>>) {
      json[std::string(field.name)] = value ? Json(*value) : Json(nullptr);
    } else {
      json[std::string(field.name)] = value;
    }
  });
  return json;
}

/// Indented text ending with a newline; bytes that are no UTF-8 become U+FFFD.
inline std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sotto::cli
