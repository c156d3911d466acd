#include "core/log.h"

#include <mutex>
#include <utility>

#include "sotto/error.h"

namespace sotto {
namespace {

std::mutex& log_mutex() {
  static std::mutex mutex;
  return mutex;
}

LogCallback& log_callback() {
  static LogCallback callback;
  return callback;
}

}  // namespace

void set_log_callback(LogCallback callback) {
  const std::lock_guard lock(log_mutex());
  log_callback() = std::move(callback);
}

void log(LogLevel level, std::string_view line) {
  const std::lock_guard lock(log_mutex());
  if (log_callback()) {
    log_callback()(level, line);
  }
}

void step(const Progress& progress, std::string_view stage, double done, double total) {
  if (progress.stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, stage, "stopped on request.");
  }
  if (progress.report) {
    progress.report(stage, done, total);
  }
}

}  // namespace sotto
