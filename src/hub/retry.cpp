#include "hub/retry.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace {

constexpr double kMaxBackoffS = 30.0;

}  // namespace

void sleep_unless_stopped(double seconds, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  if (stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, "hub", "stopped on request.");
  }
}

Retry::Retry(const HubOptions& options, std::stop_token stop) : options_(options), stop_(std::move(stop)) {}

void Retry::wait(const TransientFailure& failure) {
  if (n_used_ >= options_.retries) {
    throw Error(ErrorCode::network, "hub",
                fmt::format("{}; gave up after {} tries, run again to resume.", failure.what(), n_used_ + 1));
  }
  const double backoff_s = std::min(options_.backoff_s * std::exp2(n_used_), kMaxBackoffS);
  const double wait_s = failure.retry_after_s().value_or(backoff_s);
  if (wait_s > options_.max_wait_s) {
    throw Error(ErrorCode::network, "hub",
                fmt::format("{}; the server asks to wait {:.0f} s, at most {:.0f} s are granted: try later.",
                            failure.what(), wait_s, options_.max_wait_s));
  }
  ++n_used_;
  log(LogLevel::info, fmt::format("{}; trying again in {:.1f} s", failure.what(), wait_s));
  sleep_unless_stopped(wait_s, stop_);
}

}  // namespace sotto::hub
