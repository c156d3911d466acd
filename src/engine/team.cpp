#include "engine/team.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sotto::engine {
namespace {

/// Looks before sleeping, of a few nanoseconds each: longer than the others take for most parts of a step,
/// shorter than a processor's time slice is worth.
constexpr int kLooks = 4000;

void breathe() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// Returns when `value` is no longer `old`.
void await_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int look = 0; look < kLooks; ++look) {
    if (value.load(std::memory_order_acquire) != old) {
      return;
    }
    breathe();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

Team::Team(std::size_t n_workers) {
  for (std::size_t worker = 1; worker < n_workers; ++worker) {
    threads_.emplace_back([this, worker] { serve(worker); });
  }
}

Team::~Team() {
  ends_ = true;
  turn_.fetch_add(1, std::memory_order_release);
  turn_.notify_all();
}

void Team::run(const std::function<void(std::size_t)>& work) {
  work_ = &work;
  turn_.fetch_add(1, std::memory_order_release);
  turn_.notify_all();
  work(0);
  meet();
}

void Team::serve(std::size_t worker) {
  for (std::uint32_t turn = 0;; ++turn) {
    await_change(turn_, turn);
    if (ends_) {
      return;
    }
    (*work_)(worker);
    meet();
  }
}

void Team::meet() {
  if (threads_.empty()) {
    return;
  }
  const std::uint32_t meeting = meeting_.load(std::memory_order_acquire);
  if (n_there_.fetch_add(1, std::memory_order_acq_rel) + 1 == size()) {
    n_there_.store(0, std::memory_order_relaxed);
    meeting_.fetch_add(1, std::memory_order_release);
    meeting_.notify_all();
  } else {
    await_change(meeting_, meeting);
  }
}

}  // namespace sotto::engine
