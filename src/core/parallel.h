#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

namespace sotto {

/// While it lives, the loops below that its thread begins take at most n threads; 0: as many as was so
/// before. A thread that is begun meanwhile has no limit: one of its own is made of current().
class ThreadLimit {
 public:
  explicit ThreadLimit(std::size_t n) : before_(current_) { current_ = n == 0 ? current_ : n; }
  ~ThreadLimit() { current_ = before_; }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

  static std::size_t current() { return current_; }

 private:
  static inline thread_local std::size_t current_ = std::numeric_limits<std::size_t>::max();
  std::size_t before_;
};

/// Calls work(first, last) over [0, n) cut into even chunks of at least min_chunk, one per thread, on at most
/// max_threads threads, the ThreadLimit and the machine's cores; the calling thread takes the first chunk.
/// `work` must not depend on where the cuts are. The first exception (in chunk order) is thrown after all
/// have ended.
template <typename Work>
void parallel_chunks(std::size_t n, std::size_t min_chunk, std::size_t max_threads, const Work& work) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t n_threads = std::clamp<std::size_t>(
      n / std::max<std::size_t>(min_chunk, 1), 1, std::min({cores, max_threads, ThreadLimit::current()}));
  if (n_threads == 1) {
    if (n > 0) {
      work(std::size_t{0}, n);
    }
    return;
  }
  std::vector<std::exception_ptr> failures(n_threads);
  const auto run = [&](std::size_t i) {
    try {
      work(n * i / n_threads, n * (i + 1) / n_threads);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < n_threads; ++i) {
      threads.emplace_back(run, i);
    }
    run(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

/// Calls work(i) for each i of [0, n), in order but for what runs at the same time on at most max_threads
/// threads, the ThreadLimit and the machine's cores, one of them the calling thread. For work of uneven
/// length. After an exception no more is begun.
template <typename Work>
void parallel_each(std::size_t n, std::size_t max_threads, const Work& work) {
  std::atomic<std::size_t> next = 0;
  parallel_chunks(std::min(n, max_threads), 1, max_threads, [&](std::size_t, std::size_t) {
    try {
      for (std::size_t i = next++; i < n; i = next++) {
        work(i);
      }
    } catch (...) {
      next = n;
      throw;
    }
  });
}

}  // namespace sotto
