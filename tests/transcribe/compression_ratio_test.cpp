#include "transcribe/compression_ratio.h"

#include <string>

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

TEST(CompressionRatio, IsThatOfPythonsZlib) {
  // len(b) / len(zlib.compress(b)) of CPython 3.11 with zlib 1.2.13
  EXPECT_DOUBLE_EQ(compression_ratio("a"), 1.0 / 9);
  EXPECT_DOUBLE_EQ(compression_ratio("Hello, world."), 13.0 / 21);
  std::string loop;
  for (int i = 0; i < 50; ++i) {
    loop += "thank you ";
  }
  EXPECT_DOUBLE_EQ(compression_ratio(loop), 500.0 / 23);
}

TEST(CompressionRatio, OfNoTextIsZero) {
  EXPECT_EQ(compression_ratio(""), 0.0);
}

}  // namespace
}  // namespace sotto::transcribe
