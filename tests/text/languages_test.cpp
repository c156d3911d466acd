#include <gtest/gtest.h>

#include "sotto/text.h"
#include "support/expect_error.h"

namespace sotto::text {
namespace {

TEST(LanguageCode, TakesCodesNamesAndAliasesInAnyCase) {
  for (const char* english : {"en", "EN", "english", "English"}) {
    EXPECT_EQ(language_code(english), "en");
  }
  EXPECT_EQ(language_code("Mandarin"), "zh");
  EXPECT_EQ(language_code("yue"), "yue");
  EXPECT_EQ(language_code("haitian creole"), "ht");
}

TEST(LanguageCode, SuggestsTheNearest) {
  test::expect_error([] { language_code("germn"); }, ErrorCode::invalid_argument, "did you mean german (de)");
  test::expect_error([] { language_code(""); }, ErrorCode::invalid_argument, "found \"\"");
}

TEST(LanguageName, IsTheNameOfACode) {
  EXPECT_EQ(language_name("haw"), "hawaiian");
  test::expect_error([] { (void)language_name("xx"); }, ErrorCode::invalid_argument, "found \"xx\"");
}

}  // namespace
}  // namespace sotto::text
