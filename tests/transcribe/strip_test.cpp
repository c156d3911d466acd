#include "transcribe/strip.h"

#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

TEST(Strip, RemovesWhiteSpaceAtBothEnds) {
  EXPECT_EQ(strip(" a b\n"), "a b");
  EXPECT_EQ(strip("a"), "a");
  EXPECT_EQ(strip(" \t\r\n"), "");
  EXPECT_EQ(strip(""), "");
}

TEST(Strip, KnowsUnicodesWhiteSpace) {
  EXPECT_EQ(strip("\u3000\u00a0\u2028x\u205f\u0085"), "x");
  EXPECT_EQ(strip("\x1c\x1fx"), "x");
}

TEST(Strip, LeavesOtherCharactersWhole) {
  EXPECT_EQ(strip("\u200bx"), "\u200bx");  // zero width space is none for Python
  EXPECT_EQ(strip(" \u00e9 "), "\u00e9");
}

}  // namespace
}  // namespace sotto::transcribe
