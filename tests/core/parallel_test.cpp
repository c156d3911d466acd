#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(ParallelChunks, CoversEachIndexOnce) {
  for (const std::size_t n : {0UL, 1UL, 7UL, 1000UL}) {
    std::vector<std::atomic<int>> seen(n);
    parallel_chunks(n, 10, 4, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        ++seen[i];
      }
    });
    for (const auto& count : seen) {
      EXPECT_EQ(count, 1);
    }
  }
}

TEST(ParallelChunks, ThrowsWhatAChunkThrows) {
  const auto fail_at_the_end = [](std::size_t, std::size_t last) {
    if (last == 1000) {
      throw std::runtime_error("last");
    }
  };
  EXPECT_THROW(parallel_chunks(1000, 10, 4, fail_at_the_end), std::runtime_error);
}

TEST(ParallelEach, CoversEachIndexOnce) {
  for (const std::size_t n : {0UL, 1UL, 7UL, 1000UL}) {
    std::vector<std::atomic<int>> seen(n);
    parallel_each(n, 4, [&](std::size_t i) { ++seen[i]; });
    for (const auto& count : seen) {
      EXPECT_EQ(count, 1);
    }
  }
}

/// One chunk each.
std::size_t n_threads_of_a_loop() {
  std::atomic<std::size_t> n_chunks = 0;
  parallel_chunks(1000, 1, 1000, [&](std::size_t, std::size_t) { ++n_chunks; });
  return n_chunks;
}

TEST(ThreadLimit, HoldsInItsScopeAndThread) {
  const std::size_t n_cores = std::max(1U, std::thread::hardware_concurrency());
  EXPECT_EQ(n_threads_of_a_loop(), n_cores);
  {
    const ThreadLimit one(1);
    EXPECT_EQ(n_threads_of_a_loop(), 1U);
    EXPECT_EQ(ThreadLimit::current(), 1U);
    const ThreadLimit none(0);
    EXPECT_EQ(n_threads_of_a_loop(), 1U);
    std::jthread([&] { EXPECT_EQ(n_threads_of_a_loop(), n_cores); });
  }
  EXPECT_EQ(n_threads_of_a_loop(), n_cores);
}

TEST(ParallelEach, ThrowsWhatAnItemThrows) {
  const auto fail_at_the_end = [](std::size_t i) {
    if (i == 99) {
      throw std::runtime_error("last");
    }
  };
  EXPECT_THROW(parallel_each(100, 4, fail_at_the_end), std::runtime_error);
}

TEST(ParallelEach, BeginsNothingAfterAnException) {
  std::atomic<int> n_begun = 0;
  EXPECT_THROW(parallel_each(1000, 1,
                             [&](std::size_t i) {
                               ++n_begun;
                               if (i == 10) {
                                 throw std::runtime_error("tenth");
                               }
                             }),
               std::runtime_error);
  EXPECT_EQ(n_begun, 11);
}

}  // namespace
}  // namespace sotto
