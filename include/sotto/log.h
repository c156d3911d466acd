#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

namespace sotto {

enum class LogLevel { debug, info, warning };

using LogCallback = std::function<void(LogLevel, std::string_view)>;

/// Sets who hears what the library has to say, for the whole process; the default is silence.
/// The callback may be called from any thread, one call at a time.
void set_log_callback(LogCallback callback);

/// How a long call tells where it is and hears that it should stop.
struct Progress {
  /// Called with the name of the current stage, what is done of it and its total (same unit; total 0 means
  /// unknown). From the calling thread only.
  std::function<void(std::string_view stage, double done, double total)> report;
  /// A requested stop makes the call throw Error(cancelled) at the next step.
  std::stop_token stop;
};

}  // namespace sotto
