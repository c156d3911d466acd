#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace sotto::engine {

/// Threads that do one piece of work together, many times a second: between the parts of it they wait for
/// each other in a loop for a few microseconds before they sleep, for parts are that short.
class Team {
 public:
  /// n_workers: 1 or more, the thread that calls run() among them.
  explicit Team(std::size_t n_workers);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::size_t size() const { return threads_.size() + 1; }

  /// Calls work(worker) for each worker of [0, size()) at the same time; returns when all have ended. `work`
  /// must not throw.
  void run(const std::function<void(std::size_t)>& work);

  /// Within work: returns when every worker has come here.
  void meet();

  /// The part of [0, n) that is a worker's.
  struct Part {
    std::size_t first = 0;
    std::size_t last = 0;
  };
  Part part(std::size_t n, std::size_t worker) const {
    return {n * worker / size(), n * (worker + 1) / size()};
  }

 private:
  void serve(std::size_t worker);

  const std::function<void(std::size_t)>* work_ = nullptr;
  std::atomic<std::uint32_t> turn_ = 0;     ///< counts runs
  std::atomic<bool> ends_ = false;          ///< the team is dissolved
  std::atomic<std::uint32_t> n_there_ = 0;  ///< of those who meet
  std::atomic<std::uint32_t> meeting_ = 0;  ///< counts meetings
  std::vector<std::jthread> threads_;
};

}  // namespace sotto::engine
