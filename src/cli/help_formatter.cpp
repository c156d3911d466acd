#include "cli/help_formatter.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sotto::cli {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kIndent = 30;

/// "-o, --output-dir DIR", "--[no-]verbose"
std::string left_column(const CLI::Option* option) {
  if (option->get_positional()) {
    return option->get_name(true);
  }
  std::vector<std::string> names;
  for (const std::string& name : option->get_snames()) {
    names.push_back("-" + name);
  }
  const auto& long_names = option->get_lnames();
  for (const std::string& name : long_names) {
    const bool has_negation =
        std::find(long_names.begin(), long_names.end(), "no-" + name) != long_names.end();
    const bool is_negation = name.starts_with("no-") && std::find(long_names.begin(), long_names.end(),
                                                                  name.substr(3)) != long_names.end();
    if (!is_negation) {
      names.push_back((has_negation ? "--[no-]" : "--") + name);
    }
  }
  const std::string type = option->get_type_name();
  const bool takes_value = option->get_items_expected_max() > 0 && !type.empty();
  return fmt::format("{}{}", fmt::join(names, ", "), takes_value ? " " + type : "");
}

std::string entry(const std::string& left, std::string_view text) {
  const std::string start = left.size() + 4 > kIndent ? fmt::format("  {}\n{:{}}", left, "", kIndent)
                                                      : fmt::format("  {:<{}}", left, kIndent - 2);
  return start + wrap(text, kWidth - kIndent, kIndent) + "\n";
}

}  // namespace

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string wrapped;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (column > 0 && column + 1 + word.size() > width) {
      wrapped += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += word.size();
  }
  return wrapped;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string) const {
  std::string command = app->get_name();
  for (const CLI::App* parent = app->get_parent(); parent != nullptr; parent = parent->get_parent()) {
    command = parent->get_name() + " " + command;
  }
  const bool has_commands = !app->get_subcommands({}).empty();
  std::string usage =
      fmt::format("\nUsage: {} {}", command, has_commands ? "COMMAND [OPTIONS]" : "[OPTIONS]");
  for (const CLI::Option* option :
       app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    usage += " " + make_option_usage(option);
  }
  return usage + "\n";
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string text = make_description(app) + make_usage(app, std::move(name)) + make_positionals(app);
  for (const std::string& group : app->get_groups()) {
    const auto options =
        app->get_options([&](const CLI::Option* o) { return o->nonpositional() && o->get_group() == group; });
    if (!group.empty() && !options.empty()) {
      text += make_group(group, false, options);
    }
  }
  return text + make_subcommands(app, mode) + make_footer(app);
}

std::string HelpFormatter::make_group(std::string group,
                                      bool is_positional,
                                      std::vector<const CLI::Option*> options) const {
  std::string text = fmt::format("\n{}:\n", group);
  for (const CLI::Option* option : options) {
    text += make_option(option, is_positional);
  }
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool) const {
  const std::string required = option->get_required() && option->nonpositional() ? " (required)" : "";
  return entry(left_column(option), option->get_description() + required);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return entry(command->get_name(), command->get_description());
}

}  // namespace sotto::cli
