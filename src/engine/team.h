#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace sotto::engine {

/// Threads that share loops of a few microseconds, thousands of them a second. Who is free takes the next
/// piece, so nobody waits for a thread that the system has not let run yet. Between loops threads look for
/// the next one for some hundred microseconds at most before they sleep.
class Team {
 public:
  /// n_workers: 1 or more, the thread that calls each() among them.
  explicit Team(std::size_t n_workers);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::size_t size() const { return threads_.size() + 1; }

  /// Calls work(worker, i) for each i of [0, n), n < 2^32, on workers [0, size()); returns when all have
  /// ended. `work` must not throw. For one caller at a time.
  template <typename Work>
  void each(std::size_t n, const Work& work) {
    share(n, {&work, [](const void* self, std::size_t worker, std::size_t i) {
                (*static_cast<const Work*>(self))(worker, i);
              }});
  }

 private:
  struct Call {
    const void* self = nullptr;
    void (*function)(const void*, std::size_t, std::size_t) = nullptr;
  };

  void share(std::size_t n, Call call);
  void serve(std::size_t worker);
  void take(std::size_t worker);

  Call call_;                            ///< written while nobody has a piece
  std::atomic<std::uint64_t> left_ = 0;  ///< the loop's number above, below how many pieces nobody has taken
  std::atomic<std::uint32_t> n_done_ = 0;
  std::atomic<std::uint32_t> loop_ = 0;  ///< its number, counted up
  std::atomic<bool> ends_ = false;       ///< the team is dissolved
  std::vector<std::jthread> threads_;
};

}  // namespace sotto::engine
