#include "quantize/token_reservoir.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/core/type/float16.hpp>

#include "quantize/half.h"

namespace sotto::quantize {
namespace {

std::vector<float> token(int i) {
  return {static_cast<float>(i), 1.0F};
}

TokenReservoir offered(int first, int last) {
  TokenReservoir reservoir;
  for (int i = first; i < last; ++i) {
    reservoir.offer(token(i));
  }
  return reservoir;
}

TEST(TokenReservoir, KeepsAtMostItsCapacityOfDifferentTokens) {
  EXPECT_TRUE(TokenReservoir().empty());
  TokenReservoir reservoir = offered(0, 100);
  for (int i = 0; i < 100; ++i) {
    reservoir.offer(token(i));
  }
  EXPECT_EQ(reservoir.rows().size(), 100U);
  EXPECT_EQ(offered(0, 5000).rows().size(), TokenReservoir::kCapacity);
}

TEST(TokenReservoir, ChoosesWithoutRegardToOrder) {
  TokenReservoir backwards;
  for (int i = 999; i >= 0; --i) {
    backwards.offer(token(i));
    backwards.offer(token(i));
  }
  EXPECT_EQ(backwards.rows(), offered(0, 1000).rows());
}

TEST(TokenReservoir, ChoosesFromThroughoutWhatWasOffered) {
  std::size_t n_early = 0;
  for (const std::vector<float>& row : offered(0, 2000).rows()) {
    n_early += row[0] < 1000 ? 1U : 0U;
  }
  EXPECT_GT(n_early, TokenReservoir::kCapacity / 4);
  EXPECT_LT(n_early, TokenReservoir::kCapacity * 3 / 4);
}

TEST(TokenReservoir, MergedIsWhatOneWouldHaveKept) {
  TokenReservoir merged = offered(0, 600);
  merged.merge(offered(400, 1000));
  EXPECT_EQ(merged.rows(), offered(0, 1000).rows());
}

TEST(TokenReservoir, CountsThePositionsOfATokenWhereverItWasSeen) {
  TokenReservoir one;
  one.offer(token(7), 3);
  one.offer(token(7));
  TokenReservoir other;
  other.offer(token(7), 40);
  one.merge(other);
  EXPECT_EQ(one.counts(), std::vector<std::uint64_t>{44});
}

TEST(TokenReservoir, HoldsHalvesAndSaturates) {
  TokenReservoir reservoir;
  reservoir.offer(std::vector<float>{1.0F / 3.0F, 1e6F, -1e6F, 1e-9F});
  const std::vector<float> expected = {static_cast<float>(ov::float16(1.0F / 3.0F)), 65504.0F, -65504.0F,
                                       0.0F};
  EXPECT_EQ(reservoir.rows().front(), expected);
  reservoir.offer(expected);
  EXPECT_EQ(reservoir.size(), 1U);
}

TEST(Half, BitsStandForTheSameValue) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFU; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if ((bits & 0x7C00U) != 0x7C00U) {
      ASSERT_EQ(from_half_bits(half), static_cast<float>(ov::float16::from_bits(half))) << bits;
      ASSERT_EQ(to_half_bits(from_half_bits(half)), half);
    }
  }
}

}  // namespace
}  // namespace sotto::quantize
