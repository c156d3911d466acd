#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace sotto::cli {

/// Turns SIGINT and SIGTERM into a stop request for as long as it lives; a second signal ends the process at
/// once. Make it before any other thread starts: threads inherit that the signals are blocked.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait();

  std::stop_source stop_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace sotto::cli
