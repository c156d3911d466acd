#include <string>
#include <string_view>

#include <fmt/format.h>

#include "evaluate/report_rows.h"

namespace sotto::evaluate {
namespace {

/// Text that Markdown takes as it is: names come from directories.
std::string escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>|#";
  std::string out;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string table(const Comparison& comparison, const std::vector<Row>& rows) {
  std::string head = "| |";
  std::string rule = "| --- |";
  for (const Measurement& model : comparison.models) {
    head += fmt::format(" {} |", escaped(model.name));
    rule += " ---: |";
  }
  std::string text = head + "\n" + rule + "\n";
  for (const Row& row : rows) {
    const std::size_t indent = row.label.find_first_not_of(' ');
    text += fmt::format("| {}{} |", indent > 0 ? "– " : "", row.label.substr(indent));
    for (const std::string& cell : row.cells) {
      text += fmt::format(" {} |", escaped(cell));
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::string to_markdown(const Comparison& comparison) {
  if (comparison.models.empty()) {
    return {};
  }
  std::string text = table(comparison, main_rows(comparison)) + "\n";
  for (const std::string& verdict : verdicts(comparison)) {
    text += fmt::format("**{}**\n\n", escaped(verdict));
  }
  text += table(comparison, run_rows(comparison)) + "\n";
  for (const std::string& note : notes(comparison)) {
    text += fmt::format("- {}\n", escaped(note));
  }
  return text;
}

}  // namespace sotto::evaluate
