#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

namespace sotto::text {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(SplitGpt2, KeepsTheBlankBeforeAWord) {
  EXPECT_EQ(split_gpt2("Hello  big world!"), (Pieces{"Hello", " ", " big", " world", "!"}));
  EXPECT_EQ(split_gpt2(" \n x "), (Pieces{" \n", " x", " "}));
  EXPECT_EQ(split_gpt2("a\nb"), (Pieces{"a", "\n", "b"}));
}

TEST(SplitGpt2, CutsContractionsNumbersAndSymbols) {
  EXPECT_EQ(split_gpt2("they'll pay 25€..."), (Pieces{"they", "'ll", " pay", " 25", "€..."}));
  EXPECT_EQ(split_gpt2("'S 's"), (Pieces{"'", "S", " '", "s"}));
}

TEST(SplitGpt2, TakesBrokenUtf8AsSymbols) {
  EXPECT_EQ(split_gpt2("a\xFF\xC3 b"), (Pieces{"a", "\xFF\xC3", " b"}));
  EXPECT_TRUE(split_gpt2("").empty());
}

}  // namespace
}  // namespace sotto::text
