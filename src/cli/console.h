#pragma once

#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sotto/log.h"

namespace sotto::cli {

/// One line that tells how far a stage is: "calibrate  [#####-----]  50 %  0:07 left", at most `width`
/// columns. `total` 0 shows no bar; `elapsed_s` is the time since the stage began.
std::string progress_line(std::string_view stage, double done, double total, double elapsed_s, int width);

/// What the command line says: results on standard output, the rest on standard error. A progress bar shows
/// there for stages that take longer than two seconds, if it is a terminal. For use from several threads, for
/// media are read on one and warn of what is damaged.
class Console {
 public:
  Console();
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Silences print(), warnings and the progress bar; write() and errors stay.
  void set_quiet(bool quiet);

  /// A line for the reader on standard output.
  void print(std::string_view line);
  /// Output that was asked for, as it is, on standard output. Throws Error(io) where it cannot be written.
  void write(std::string_view text);
  /// "sotto: warning: TEXT" on standard error.
  void warn(std::string_view text);
  /// Keeps warnings back until release_warnings(); an error drops them, for it says what they led to.
  void hold_warnings();
  void release_warnings();
  /// "sotto: error: TEXT" on standard error, always one line.
  void error(std::string_view text);
  /// True once standard output could not be written: no use in going on.
  bool is_broken();

  /// A line that the next one takes the place of, on standard error if it is a terminal.
  void show(std::string_view line);

  /// Drives the progress bar and hands `stop` on.
  Progress progress(std::stop_token stop);

 private:
  void report(std::string_view stage, double done, double total);
  void clear_bar();
  void print_warning(std::string_view text);

  using Clock = std::chrono::steady_clock;
  std::mutex mutex_;  ///< held while something is said, and over what follows
  bool quiet_ = false;
  bool is_broken_ = false;
  bool holds_ = false;
  std::vector<std::string> held_;
  bool is_terminal_ = false;
  bool bar_shown_ = false;
  std::string stage_;
  Clock::time_point stage_start_;
  Clock::time_point last_drawn_;
};

}  // namespace sotto::cli
