#include "text/number_word_reader.h"

#include <gtest/gtest.h>

namespace sotto::text {
namespace {

using Words = std::vector<std::string>;

TEST(NumberWordsToDigits, AddsMultipliesAndConcatenates) {
  EXPECT_EQ(number_words_to_digits({"two", "hundred", "and", "five"}), (Words{"205"}));
  EXPECT_EQ(number_words_to_digits({"nineteen", "ninety", "nine"}), (Words{"1999"}));
  EXPECT_EQ(number_words_to_digits({"three", "point", "five", "million"}), (Words{"3500000"}));
  EXPECT_EQ(number_words_to_digits({"double", "oh", "seven", "agents"}), (Words{"007", "agents"}));
}

TEST(NumberWordsToDigits, PutsSignsAndCurrenciesInFront) {
  EXPECT_EQ(number_words_to_digits({"minus", "forty", "degrees"}), (Words{"-40", "degrees"}));
  EXPECT_EQ(number_words_to_digits({"ten", "pounds", "and", "five", "cents"}), (Words{"£10", "and", "¢5"}));
  EXPECT_EQ(number_words_to_digits({"five", "per", "cent"}), (Words{"5%"}));
  EXPECT_EQ(number_words_to_digits({"minus", "sign"}), (Words{"minus", "sign"}));
}

TEST(NumberWordsToDigits, OfNothingIsNothing) {
  EXPECT_TRUE(number_words_to_digits({}).empty());
}

}  // namespace
}  // namespace sotto::text
