#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

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

/// A program found on PATH that runs beside us and whose standard output is read; its end is the end of that.
class ChildStream {
 public:
  /// Throws Error(io) if it cannot be started.
  explicit ChildStream(const std::vector<std::string>& command);
  /// Ends it if it still runs.
  ~ChildStream();
  ChildStream(const ChildStream&) = delete;
  ChildStream& operator=(const ChildStream&) = delete;

  /// The file descriptor to read from.
  int output() const { return output_; }
  /// Once output() has ended: how the program did.
  ChildResult wait();

 private:
  pid_t pid_ = 0;
  int output_ = -1;
  int errors_ = -1;
};

}  // namespace sotto::cli
