#include "transcribe/dtw.h"

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "transcribe/random.h"

namespace sotto::transcribe {
namespace {

using Indices = std::vector<std::size_t>;

TEST(Dtw, FollowsTheCheapestCells) {
  const std::vector<float> cost = {0, 9, 9, 9,  //
                                   9, 0, 0, 9,  //
                                   9, 9, 9, 0};
  const WarpingPath path = dtw(cost, 3, 4);
  EXPECT_EQ(path.rows, (Indices{0, 1, 1, 2}));
  EXPECT_EQ(path.columns, (Indices{0, 1, 2, 3}));
}

TEST(Dtw, FindsAPlantedPath) {
  Random random({3});
  for (int trial = 0; trial < 20; ++trial) {
    constexpr std::size_t kRows = 20;
    constexpr std::size_t kColumns = 50;
    std::vector<float> cost(kRows * kColumns, 1.0F);
    Indices rows;
    Indices columns;
    std::size_t i = 0;
    std::size_t j = 0;
    while (true) {
      rows.push_back(i);
      columns.push_back(j);
      cost[i * kColumns + j] = -static_cast<float>(1.0 + random.uniform());
      if (i == kRows - 1 && j == kColumns - 1) {
        break;
      }
      // one step at a time: a corner cut short would be cheaper than the planted path nowhere
      const bool down = j == kColumns - 1 || (i < kRows - 1 && random.uniform() < 0.3);
      i += down ? 1 : 0;
      j += down ? 0 : 1;
    }
    const WarpingPath path = dtw(cost, kRows, kColumns);
    EXPECT_EQ(path.rows, rows);
    EXPECT_EQ(path.columns, columns);
  }
}

TEST(Dtw, OfOneRowOrColumnIsStraight) {
  EXPECT_EQ(dtw(std::vector<float>{1, 2, 3}, 1, 3).columns, (Indices{0, 1, 2}));
  EXPECT_EQ(dtw(std::vector<float>{1, 2, 3}, 3, 1).rows, (Indices{0, 1, 2}));
  EXPECT_TRUE(dtw({}, 0, 3).rows.empty());
}

TEST(Dtw, GoesRightAmongEquals) {
  const WarpingPath path = dtw(std::vector<float>(6, 1.0F), 2, 3);
  EXPECT_EQ(path.rows.back(), 1U);
  EXPECT_EQ(path.columns.back(), 2U);
  EXPECT_EQ(path.rows, (Indices{0, 1, 1}));
}

}  // namespace
}  // namespace sotto::transcribe
