#include "text/decimal.h"

#include <gtest/gtest.h>

namespace sotto::text {
namespace {

TEST(Decimal, AddsNumbersOfAnyLength) {
  EXPECT_EQ(add("999", "1"), "1000");
  EXPECT_EQ(add("0", "0"), "0");
  EXPECT_EQ(add("1" + std::string(40, '0'), "25"), "1" + std::string(38, '0') + "25");
}

TEST(Decimal, KnowsRoundNumbers) {
  EXPECT_TRUE(ends_in_zeros("1200", 2));
  EXPECT_FALSE(ends_in_zeros("1210", 2));
  EXPECT_TRUE(ends_in_zeros("0", 2));
}

TEST(Decimal, MovesThePoint) {
  EXPECT_EQ(times_power_of_ten("1.5", 6), "1500000");
  EXPECT_EQ(times_power_of_ten("007", 0), "7");
  EXPECT_EQ(times_power_of_ten("12.", 1), "120");
  EXPECT_EQ(times_power_of_ten(".50", 1), "5");
  EXPECT_EQ(times_power_of_ten("1.25", 1), std::nullopt);
  EXPECT_EQ(times_power_of_ten(".", 3), std::nullopt);
  EXPECT_EQ(times_power_of_ten("1.2.3", 3), std::nullopt);
  EXPECT_EQ(times_power_of_ten("", 3), std::nullopt);
}

}  // namespace
}  // namespace sotto::text
