#include <string>
#include <string_view>

#include <fmt/format.h>

#include "evaluate/report_rows.h"

namespace sotto::evaluate {
namespace {

constexpr std::size_t kLabelWidth = 32;
constexpr std::size_t kCellWidth = 12;
constexpr std::size_t kLineWidth = 80;

/// The end of a name that is too long for a cell: what differs is mostly there.
std::string shorten(const std::string& name) {
  if (name.size() < kCellWidth) {
    return name;
  }
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; };
  std::size_t first = name.size() - (kCellWidth - 2);
  while (first < name.size() && continues(name[first])) {
    ++first;
  }
  return "…" + name.substr(first);
}

std::string line_of(const Row& row) {
  std::string line = fmt::format("{:<{}}", row.label, kLabelWidth);
  for (const std::string& cell : row.cells) {
    line += fmt::format("{:>{}}", cell, kCellWidth);
  }
  return line + '\n';
}

std::string lines_of(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    text += line_of(row);
  }
  return text;
}

/// A sentence on lines of at most kLineWidth bytes, broken at blanks, indented after the first.
std::string wrapped(std::string_view sentence) {
  std::string text;
  std::size_t width = kLineWidth;
  std::string_view indent;
  while (sentence.size() > width) {
    std::size_t at = sentence.rfind(' ', width);
    at = at == std::string_view::npos || at == 0 ? sentence.find(' ', width) : at;
    if (at == std::string_view::npos) {
      break;
    }
    text += fmt::format("{}{}\n", indent, sentence.substr(0, at));
    sentence.remove_prefix(at + 1);
    indent = "  ";
    width = kLineWidth - indent.size();
  }
  return text + fmt::format("{}{}\n", indent, sentence);
}

}  // namespace

std::string to_table(const Comparison& comparison) {
  if (comparison.models.empty()) {
    return {};
  }
  Row names;
  for (const Measurement& model : comparison.models) {
    names.cells.push_back(shorten(model.name));
  }
  std::string text =
      line_of(names) + lines_of(main_rows(comparison)) + "\n" + lines_of(run_rows(comparison)) + "\n";
  for (const std::string& verdict : verdicts(comparison)) {
    text += wrapped(verdict);
  }
  for (const std::string& note : notes(comparison)) {
    text += wrapped(note);
  }
  return text;
}

}  // namespace sotto::evaluate
