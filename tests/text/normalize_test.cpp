#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/text.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace sotto::text {
namespace {

const std::map<std::string, std::string> kSpelling = {
    {"colour", "color"}, {"grey", "gray"}, {"theatre", "theater"}};

TEST(Normalizers, GiveWhatWhispersGive) {
  const nlohmann::json cases = test::golden_json("text", "normalize.json");
  ASSERT_GE(cases.size(), 900U);
  const EnglishNormalizer normalize_english(kSpelling);
  for (const auto& wanted : cases) {
    const auto text = wanted["text"].get<std::string>();
    EXPECT_EQ(normalize_basic(text), wanted["basic"].get<std::string>()) << wanted["text"];
    EXPECT_EQ(normalize_basic(text, true), wanted["plain"].get<std::string>()) << wanted["text"];
    EXPECT_EQ(normalize_basic(text, false, true), wanted["split"].get<std::string>()) << wanted["text"];
    EXPECT_EQ(normalize_english(text), wanted["english"].get<std::string>()) << wanted["text"];
  }
}

TEST(EnglishNormalizer, ReadsNumbersOfAnySize) {
  const EnglishNormalizer normalize;
  EXPECT_EQ(normalize("Two hundred decillion dollars"), "$2" + std::string(35, '0'));
  EXPECT_EQ(normalize("one oh one decillion zero zero decillion"), "101" + std::string(68, '0'));
}

TEST(EnglishNormalizer, LeavesInvalidUtf8Readable) {
  EXPECT_EQ(EnglishNormalizer()("caf\xC3 \xFFyes"), "caf yes");
  EXPECT_EQ(normalize_basic("a\xFF"
                            "b"),
            "a b");
}

TEST(LoadSpelling, ReadsAnObjectOfStrings) {
  const test::TempDir dir;
  EXPECT_TRUE(load_spelling(dir.path()).empty());
  test::write_file(dir / "normalizer.json", R"({"colour": "color"})");
  EXPECT_EQ(load_spelling(dir.path()).at("colour"), "color");
  test::write_file(dir / "normalizer.json", R"({"colour": 3})");
  test::expect_error([&] { load_spelling(dir.path()); }, ErrorCode::bad_format,
                     "\"colour\" has an unexpected type");
}

}  // namespace
}  // namespace sotto::text
