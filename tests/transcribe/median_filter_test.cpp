#include "transcribe/median_filter.h"

#include <vector>

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

using Row = std::vector<float>;

Row filtered(Row row, std::size_t width) {
  median_filter(row, width);
  return row;
}

TEST(MedianFilter, TakesTheMedianAroundEachValue) {
  // reflected: 9 1 | 5 1 9 2 7 | 2 9
  EXPECT_EQ(filtered({5, 1, 9, 2, 7}, 3), (Row{1, 5, 2, 7, 2}));
  EXPECT_EQ(filtered({5, 1, 9, 2, 7}, 5), (Row{5, 2, 5, 2, 7}));
}

TEST(MedianFilter, RemovesASpike) {
  EXPECT_EQ(filtered({0, 0, 9, 0, 0}, 3), (Row{0, 0, 0, 0, 0}));
}

TEST(MedianFilter, LeavesWhatIsTooShort) {
  EXPECT_EQ(filtered({3, 1, 2}, 7), (Row{3, 1, 2}));
  EXPECT_EQ(filtered({}, 7), Row{});
}

}  // namespace
}  // namespace sotto::transcribe
