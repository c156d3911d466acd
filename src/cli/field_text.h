#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sotto/error.h"
#include "sotto/fields.h"

namespace sotto::cli {

/// "--beam-size" for "beam_size".
std::string option_name(std::string_view field_name);

/// True for "none" in any case, which openai-whisper's options accept.
bool is_none(std::string_view text);

/// True for equal texts, letters in any case and "_" the same as "-".
bool same_word(std::string_view a, std::string_view b);

/// Sets `value` from what was typed after `option`. Lists are separated by commas. Throws
/// Error(invalid_argument) naming the option, what it takes and what was found.
void parse_value(const Field& field, const std::string& option, std::string_view text, int& value);
void parse_value(const Field& field, const std::string& option, std::string_view text, std::uint64_t& value);
void parse_value(const Field& field, const std::string& option, std::string_view text, double& value);
void parse_value(const Field& field,
                 const std::string& option,
                 std::string_view text,
                 std::optional<double>& value);
void parse_value(const Field& field, const std::string& option, std::string_view text, std::string& value);
void parse_value(const Field& field,
                 const std::string& option,
                 std::string_view text,
                 std::vector<int>& value);
void parse_value(const Field& field,
                 const std::string& option,
                 std::string_view text,
                 std::vector<double>& value);

/// What was typed after `option` for a subgraph, "INPUT,... -> OUTPUT,...". Throws Error(invalid_argument).
quantize::Subgraph parse_subgraph(const std::string& option, std::string_view text);

/// The value as it would be typed.
std::string value_text(int value);
std::string value_text(std::uint64_t value);
std::string value_text(double value);
std::string value_text(const std::optional<double>& value);
std::string value_text(const std::string& value);
std::string value_text(const std::vector<int>& value);
std::string value_text(const std::vector<double>& value);

/// "0 to 100", "at least 0", or empty where the field has no bounds.
std::string range_text(const Field& field);

/// "transcribe, translate"
template <typename Enum>
std::string names_of_enum() {
  std::string names;
  for (const auto& [name, unused] : EnumNames<Enum>::values) {
    names += names.empty() ? "" : ", ";
    names += name;
  }
  return names;
}

template <typename Enum>
  requires std::is_enum_v<Enum>
void parse_value(const Field&, const std::string& option, std::string_view text, Enum& value) {
  for (const auto& [name, candidate] : EnumNames<Enum>::values) {
    if (same_word(name, text)) {
      value = candidate;
      return;
    }
  }
  throw Error(ErrorCode::invalid_argument, option,
              fmt::format("expected one of {}, found \"{}\".", names_of_enum<Enum>(), text));
}

template <typename Enum>
  requires std::is_enum_v<Enum>
std::string value_text(Enum value) {
  for (const auto& [name, candidate] : EnumNames<Enum>::values) {
    if (candidate == value) {
      return std::string(name);
    }
  }
  return {};
}

}  // namespace sotto::cli
