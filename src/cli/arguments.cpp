#include "cli/arguments.h"

#include <algorithm>
#include <cstddef>

namespace sotto::cli {
namespace {

bool is_truth(const std::string& text) {
  return text == "True" || text == "False" || text == "true" || text == "false";
}

/// The option with hyphens up to its "=", if it has one.
std::string hyphenated(std::string argument) {
  std::replace(argument.begin(), std::find(argument.begin(), argument.end(), '='), '_', '-');
  return argument;
}

}  // namespace

std::vector<std::string> normalize_arguments(const std::vector<std::string>& arguments,
                                             const std::function<bool(const std::string&)>& is_flag) {
  std::vector<std::string> normal;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      normal.insert(normal.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    if (!arguments[i].starts_with("--")) {
      normal.push_back(arguments[i]);
      continue;
    }
    std::string option = hyphenated(arguments[i]);
    if (i + 1 < arguments.size() && is_truth(arguments[i + 1]) && is_flag(option)) {
      option += arguments[++i].front() == 'T' || arguments[i].front() == 't' ? "=true" : "=false";
    }
    normal.push_back(std::move(option));
  }
  return normal;
}

}  // namespace sotto::cli
