#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto::cli {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader that went away (`sotto ... | head`) shows as a write error, which cleans up; the signal would
  // not.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // the same for a file that may not grow
  thread_ = std::thread([this] { wait(); });
}

Interrupt::~Interrupt() {
  done_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void Interrupt::wait() {
  const sigset_t set = stop_signals();
  for (int signal = 0; sigwait(&set, &signal) == 0 && !done_;) {
    if (!stop_.request_stop()) {
      ::_exit(exit_code(ErrorCode::cancelled));  // asked twice: the step under way takes too long
    }
  }
}

}  // namespace sotto::cli
