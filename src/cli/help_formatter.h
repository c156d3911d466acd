#pragma once

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace sotto::cli {

/// `text` in lines of at most `width` columns, broken at spaces; lines after the first are indented by
/// `indent`.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

/// Help in 80 columns: names and value on the left, wrapped text on the right.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_group(std::string group,
                         bool is_positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
};

}  // namespace sotto::cli
