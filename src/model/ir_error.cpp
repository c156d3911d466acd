#include "model/ir_error.h"

#include <algorithm>
#include <cctype>

namespace sotto::model {

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!is_space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line;
}

std::string openvino_reason(std::string_view message) {
  std::string said;
  for (std::size_t from = 0; from < message.size();) {
    const std::size_t to = std::min(message.find('\n', from), message.size());
    const std::string_view line = message.substr(from, to - from);
    const bool is_place =
        line.ends_with(':') && (line.starts_with("Exception from ") || line.starts_with("Check '"));
    if (!is_place) {
      said.append(line).append(" ");
    }
    from = to + 1;
  }
  const std::string reason = one_line(said);
  return reason.empty() ? one_line(message) : reason;
}

}  // namespace sotto::model
