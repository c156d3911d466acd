#include "engine/team.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sotto::engine {
namespace {

/// Looks, of some ten nanoseconds each, before one sleeps or lets others run: longer than most loops take.
constexpr int kLooks = 4000;

void breathe() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

Team::Team(std::size_t n_workers) {
  for (std::size_t worker = 1; worker < n_workers; ++worker) {
    threads_.emplace_back([this, worker] { serve(worker); });
  }
}

Team::~Team() {
  ends_ = true;
  loop_.fetch_add(1);
  loop_.notify_all();
}

void Team::share(std::size_t n, Call call) {
  call_ = call;
  n_done_.store(0, std::memory_order_relaxed);
  const std::uint32_t loop = loop_.load(std::memory_order_relaxed) + 1;
  left_.store((static_cast<std::uint64_t>(loop) << 32U) | n, std::memory_order_release);
  if (!threads_.empty() && n > 1) {
    loop_.store(loop, std::memory_order_release);
    loop_.notify_all();
  }
  take(0);
  for (int look = 0; n_done_.load(std::memory_order_acquire) != n; ++look) {
    if (look < kLooks) {
      breathe();
    } else {
      std::this_thread::yield();  // to who has the last piece
    }
  }
}

void Team::serve(std::size_t worker) {
  std::uint32_t last = 0;
  for (;;) {
    for (int look = 0; loop_.load(std::memory_order_acquire) == last; ++look) {
      if (look < kLooks) {
        breathe();
      } else {
        loop_.wait(last, std::memory_order_acquire);
      }
    }
    last = loop_.load(std::memory_order_acquire);
    if (ends_) {
      return;
    }
    take(worker);
  }
}

/// A piece belongs to whoever counts it off; only then may call_ be read.
void Team::take(std::size_t worker) {
  std::uint64_t left = left_.load(std::memory_order_acquire);
  while (static_cast<std::uint32_t>(left) != 0) {
    if (left_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      call_.function(call_.self, worker, static_cast<std::uint32_t>(left) - 1);
      n_done_.fetch_add(1, std::memory_order_release);
      left = left_.load(std::memory_order_acquire);
    }
  }
}

}  // namespace sotto::engine
