#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/field_text.h"
#include "sotto/fields.h"

namespace sotto::cli {

/// The help group a field's option belongs to; empty: the command has no such option.
using GroupOf = std::function<std::string(std::string_view field_name)>;

/// "HELP (0 to 100; default 5)"
std::string help_text(const Field& field, const std::string& default_text);

/// What help shows after the option's name for a value of this type.
constexpr const char* type_name(const int&) {
  return "N";
}
constexpr const char* type_name(const std::uint64_t&) {
  return "N";
}
constexpr const char* type_name(const double&) {
  return "X";
}
constexpr const char* type_name(const std::optional<double>&) {
  return "X";
}
constexpr const char* type_name(const std::vector<int>&) {
  return "N,...";
}
constexpr const char* type_name(const std::vector<double>&) {
  return "X,...";
}
constexpr const char* type_name(const std::string&) {
  return "TEXT";
}
template <typename Enum>
  requires std::is_enum_v<Enum>
constexpr const char* type_name(const Enum&) {
  return "NAME";
}

/// What parse_value reads from one typed value.
template <typename T>
concept OneValue = requires(T& value) { parse_value(Field{}, std::string(), std::string_view(), value); };

/// --name, which takes one value; the last one counts.
template <OneValue T>
CLI::Option* add_field(CLI::App& app, const Field& field, const std::string& name, T& value) {
  const std::function<void(const std::string&)> set = [field, name, &value](const std::string& text) {
    parse_value(field, name, text, value);
  };
  return app.add_option_function(name, set, help_text(field, value_text(value)))
      ->take_last()
      ->type_name(type_name(value));
}

/// --name and --no-name. "True" and "False" after it are taken care of by normalize_arguments.
CLI::Option* add_field(CLI::App& app, const Field& field, const std::string& name, bool& value);

/// --name TEXT, which may be given several times.
CLI::Option* add_field(CLI::App& app,
                       const Field& field,
                       const std::string& name,
                       std::vector<std::string>& value);

/// --name "INPUT,... -> OUTPUT,...", which may be given several times.
CLI::Option* add_field(CLI::App& app,
                       const Field& field,
                       const std::string& name,
                       std::vector<quantize::Subgraph>& value);

/// What an option's name has before and after its field's.
struct Affix {
  std::string prefix = {};
  std::string suffix = {};
};

/// Adds an option for every field of `options` that `group_of` has a group for. Throws
/// Error(invalid_argument) from parsing where a value cannot be used.
template <typename Options>
void add_fields(CLI::App& app, Options& options, const GroupOf& group_of, const Affix& affix = {}) {
  visit_fields(options, [&](const Field& field, auto& value) {
    const std::string group = group_of(field.name);
    if (group.empty()) {
      return;
    }
    if constexpr (requires { add_field(app, field, group, value); }) {
      add_field(app, field, option_name(affix.prefix + std::string(field.name)) + affix.suffix, value)
          ->group(group);
    }
  });
}

}  // namespace sotto::cli
