#pragma once

#include <stop_token>

#include "hub/http_client.h"

namespace sotto::hub {

/// How often and how long a failure that may pass is waited out.
class Retry {
 public:
  /// `options` must outlive this.
  Retry(const HubOptions& options, std::stop_token stop);

  /// What work() returns, tried again after TransientFailure. Throws Error(network) with the last failure
  /// once all tries are used or the server asks for a longer wait than is granted; Error(cancelled).
  template <typename Work>
  auto operator()(const Work& work) {
    for (;;) {
      try {
        return work();
      } catch (const TransientFailure& failure) {
        wait(failure);
      }
    }
  }

  /// Forgets the tries used so far, because something was achieved.
  void reset() { n_used_ = 0; }

 private:
  void wait(const TransientFailure& failure);

  const HubOptions& options_;
  const std::stop_token stop_;
  int n_used_ = 0;
};

/// Sleeps, or throws Error(cancelled) as soon as a stop is requested.
void sleep_unless_stopped(double seconds, const std::stop_token& stop);

}  // namespace sotto::hub
