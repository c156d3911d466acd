#include "cli/field_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

namespace sotto::cli {
namespace {

char folded(char c) {
  return c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string one_of_range(const Field& field, std::string_view kind) {
  const std::string range = range_text(field);
  return range.empty() ? std::string(kind) : fmt::format("{} ({})", kind, range);
}

[[noreturn]] void refuse(const Field& field,
                         const std::string& option,
                         std::string_view kind,
                         std::string_view text) {
  throw Error(ErrorCode::invalid_argument, option,
              fmt::format("expected {}, found \"{}\".", one_of_range(field, kind), text));
}

/// The whole text as a number within the field's bounds.
template <typename Number>
Number parse_number(const Field& field,
                    const std::string& option,
                    std::string_view kind,
                    std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  const auto as_double = static_cast<double>(number);
  if (error != std::errc() || stopped != end || std::isnan(as_double) || as_double < field.min ||
      as_double > field.max) {
    refuse(field, option, kind, text);
  }
  return number;
}

/// Names between commas, without the spaces around them; none for an empty one.
std::vector<std::string> parse_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view name = text.substr(0, comma);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    name = name.substr(0, name.find_last_not_of(' ') + 1);
    if (!name.empty()) {
      names.emplace_back(name);
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

/// Numbers between commas; none for an empty text.
template <typename Number>
std::vector<Number> parse_list(const Field& field,
                               const std::string& option,
                               std::string_view kind,
                               std::string_view text) {
  std::vector<Number> numbers;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    numbers.push_back(parse_number<Number>(field, option, kind, text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return numbers;
}

}  // namespace

std::string option_name(std::string_view field_name) {
  std::string name = "--" + std::string(field_name);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return folded(x) == folded(y); });
}

bool is_none(std::string_view text) {
  return same_word(text, "none");
}

void parse_value(const Field& field, const std::string& option, std::string_view text, int& value) {
  if (field.none && is_none(text)) {
    value = static_cast<int>(*field.none);
    return;
  }
  value = parse_number<int>(field, option, field.none ? "a whole number or None" : "a whole number", text);
}

void parse_value(const Field& field, const std::string& option, std::string_view text, std::uint64_t& value) {
  value = parse_number<std::uint64_t>(field, option, "a whole number", text);
}

void parse_value(const Field& field, const std::string& option, std::string_view text, double& value) {
  if (field.none && is_none(text)) {
    value = *field.none;
    return;
  }
  value = parse_number<double>(field, option, field.none ? "a number or None" : "a number", text);
}

void parse_value(const Field& field,
                 const std::string& option,
                 std::string_view text,
                 std::optional<double>& value) {
  value = is_none(text) ? std::nullopt
                        : std::optional(parse_number<double>(field, option, "a number or None", text));
}

void parse_value(const Field&, const std::string&, std::string_view text, std::string& value) {
  value = text;
}

void parse_value(const Field& field,
                 const std::string& option,
                 std::string_view text,
                 std::vector<int>& value) {
  value = parse_list<int>(field, option, "whole numbers separated by commas", text);
}

void parse_value(const Field& field,
                 const std::string& option,
                 std::string_view text,
                 std::vector<double>& value) {
  value = parse_list<double>(field, option, "numbers separated by commas", text);
}

quantize::Subgraph parse_subgraph(const std::string& option, std::string_view text) {
  constexpr std::string_view kArrow = "->";
  const std::size_t arrow = std::min(text.find(kArrow), text.size());
  quantize::Subgraph part{parse_names(text.substr(0, arrow)),
                          parse_names(text.substr(std::min(arrow + kArrow.size(), text.size())))};
  if (part.inputs.empty() || part.outputs.empty()) {
    throw Error(ErrorCode::invalid_argument, option,
                fmt::format("expected \"INPUT,... -> OUTPUT,...\" of names of nodes, found \"{}\".", text));
  }
  return part;
}

std::string value_text(int value) {
  return fmt::to_string(value);
}
std::string value_text(std::uint64_t value) {
  return fmt::to_string(value);
}
std::string value_text(double value) {
  return fmt::format("{:g}", value);
}
std::string value_text(const std::optional<double>& value) {
  return value ? value_text(*value) : "None";
}
std::string value_text(const std::string& value) {
  return value;
}
std::string value_text(const std::vector<int>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}
std::string value_text(const std::vector<double>& value) {
  return fmt::format("{:g}", fmt::join(value, ","));
}

std::string range_text(const Field& field) {
  const bool has_min = std::isfinite(field.min);
  const bool has_max = std::isfinite(field.max);
  if (has_min && has_max) {
    return fmt::format("{} to {}", field.min, field.max);
  }
  if (has_min) {
    return fmt::format("at least {}", field.min);
  }
  return has_max ? fmt::format("at most {}", field.max) : std::string();
}

}  // namespace sotto::cli
