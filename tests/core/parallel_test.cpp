#include "core/parallel.h"

#include <atomic>
#include <stdexcept>
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
