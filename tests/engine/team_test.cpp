#include "engine/team.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sotto::engine {
namespace {

TEST(Team, EveryPieceIsDoneOnceInEachOfManyLoops) {
  for (const std::size_t n_workers : {1, 2, 3, 8}) {
    Team team(n_workers);
    ASSERT_EQ(team.size(), n_workers);
    std::vector<int> n_times(97);
    for (int loop = 1; loop <= 500; ++loop) {
      team.each(n_times.size(), [&](std::size_t worker, std::size_t i) {
        ASSERT_LT(worker, n_workers);
        ++n_times[i];
      });
      for (const int n : n_times) {
        ASSERT_EQ(n, loop);
      }
    }
  }
}

TEST(Team, WhatOneLoopWroteTheNextReads) {
  Team team(4);
  std::vector<std::size_t> values(64);
  std::iota(values.begin(), values.end(), std::size_t{0});
  for (std::size_t loop = 0; loop < 300; ++loop) {
    std::vector<std::size_t> next(values.size());
    team.each(values.size(),
              [&](std::size_t, std::size_t i) { next[i] = values[(i + 1) % values.size()] + 1; });
    values = next;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], (i + 300) % values.size() + 300);
  }
}

TEST(Team, LoopsOfNothingAndOfOnePieceEnd) {
  Team team(3);
  std::atomic<int> n = 0;
  for (int loop = 0; loop < 100; ++loop) {
    team.each(0, [&](std::size_t, std::size_t) { ++n; });
    team.each(1, [&](std::size_t, std::size_t) { ++n; });
  }
  EXPECT_EQ(n, 100);
}

TEST(Team, SleepsWhenThereIsNothingToDo) {
  Team team(4);
  team.each(8, [](std::size_t, std::size_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the looks are over
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double used_s = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used_s, 0.15) << "of three threads' 0.9 s";
}

}  // namespace
}  // namespace sotto::engine
