#pragma once

#include <stop_token>
#include <string>
#include <vector>

namespace sotto::cli {

struct ChildResult {
  int status = 0;          ///< exit status, or 128 + the signal that ended it
  std::string last_words;  ///< the last line it wrote on standard error, printable
};

/// True if a program of this name is on PATH.
bool has_program(const std::string& name);

/// Runs a program found on PATH to its end, without a shell, with nothing on its standard input; what it
/// writes is not shown. A requested stop ends it. Throws Error(io) if it cannot be started, (cancelled).
ChildResult run_program(const std::vector<std::string>& command, const std::stop_token& stop);

}  // namespace sotto::cli
