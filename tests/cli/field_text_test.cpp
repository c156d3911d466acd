#include "cli/field_text.h"

#include <limits>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sotto::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Field kBeams{"beam_size", "beams", 0, 100};

template <typename T>
T parsed(const Field& field, const std::string& text) {
  T value{};
  parse_value(field, "--x", text, value);
  return value;
}

TEST(ParseValue, ReadsNumbersWithinTheirRange) {
  EXPECT_EQ(parsed<int>(kBeams, "5"), 5);
  EXPECT_DOUBLE_EQ(parsed<double>({"x", ""}, "-1.5"), -1.5);
  EXPECT_EQ(parsed<std::uint64_t>({"seed", ""}, "18446744073709551615"), 18446744073709551615ULL);
}

TEST(ParseValue, NamesOptionRangeAndWhatItFound) {
  test::expect_error([] { parsed<int>(kBeams, "101"); }, ErrorCode::invalid_argument,
                     "--x: expected a whole number (0 to 100), found \"101\".");
  test::expect_error([] { parsed<int>(kBeams, "5x"); }, ErrorCode::invalid_argument, "found \"5x\"");
  test::expect_error([] { parsed<int>(kBeams, ""); }, ErrorCode::invalid_argument, "found \"\"");
  test::expect_error([] { parsed<int>(kBeams, "99999999999"); }, ErrorCode::invalid_argument, "found");
  test::expect_error([] { parsed<double>({"x", ""}, "nan"); }, ErrorCode::invalid_argument,
                     "a number, found \"nan\"");
}

TEST(ParseValue, TakesNoneWhereTheFieldHasIt) {
  EXPECT_EQ(parsed<double>({"compression_ratio_threshold", "", 0, kInfinity, kInfinity}, "None"), kInfinity);
  EXPECT_EQ(parsed<std::optional<double>>({"length_penalty", "", 0, 1}, "none"), std::nullopt);
  EXPECT_EQ(parsed<std::optional<double>>({"length_penalty", "", 0, 1}, "0.5"), 0.5);
  test::expect_error([] { parsed<double>({"x", ""}, "None"); }, ErrorCode::invalid_argument,
                     "found \"None\"");
}

TEST(ParseValue, ReadsListsBetweenCommas) {
  EXPECT_EQ(parsed<std::vector<int>>({"suppress_tokens", "", -1}, "-1,50"), (std::vector<int>{-1, 50}));
  EXPECT_TRUE(parsed<std::vector<int>>({"suppress_tokens", ""}, "").empty());
  EXPECT_EQ(parsed<std::vector<double>>({"clip_timestamps", "", 0}, "0,1.5"),
            (std::vector<double>{0.0, 1.5}));
  test::expect_error([] { parsed<std::vector<int>>({"s", ""}, "1,,2"); }, ErrorCode::invalid_argument,
                     "commas");
  test::expect_error([] { parsed<std::vector<double>>({"c", "", 0}, "-1"); }, ErrorCode::invalid_argument,
                     "at least 0");
}

TEST(ParseValue, ReadsEnumsInAnyCaseAndListsThem) {
  EXPECT_EQ(parsed<quantize::OverflowFix>({"overflow_fix", ""}, "First-Layer-Only"),
            quantize::OverflowFix::first_layer_only);
  test::expect_error([] { parsed<transcribe::Task>({"task", ""}, "sing"); }, ErrorCode::invalid_argument,
                     "--x: expected one of transcribe, translate, found \"sing\".");
}

TEST(ParseSubgraph, ReadsNamesOnBothSidesOfAnArrow) {
  const quantize::Subgraph part = parse_subgraph("--x", " a/MatMul,b::c -> d , e");
  EXPECT_EQ(part.inputs, (std::vector<std::string>{"a/MatMul", "b::c"}));
  EXPECT_EQ(part.outputs, (std::vector<std::string>{"d", "e"}));
  for (const char* text : {"", "a", "a ->", "-> b", ",->,", "->"}) {
    test::expect_error([&] { parse_subgraph("--x", text); }, ErrorCode::invalid_argument,
                       "INPUT,... -> OUTPUT,...");
  }
}

TEST(ValueText, ReadsBackAsTheSameValue) {
  EXPECT_EQ(value_text(transcribe::Task::translate), "translate");
  EXPECT_EQ(value_text(std::optional<double>()), "None");
  EXPECT_EQ(value_text(std::vector<int>{-1, 3}), "-1,3");
  EXPECT_EQ(value_text(0.2), "0.2");
}

TEST(OptionName, IsTheFieldsNameWithHyphens) {
  EXPECT_EQ(option_name("no_speech_threshold"), "--no-speech-threshold");
}

/// Fields and validate() must agree: what a field's bounds let through, the library takes.
TEST(Fields, BoundsAndNoneAreWithinWhatTheLibraryTakes) {
  transcribe::TranscribeOptions options;
  visit_fields(options, [&](const Field& field, auto& value) {
    using T = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<T, int> || std::is_same_v<T, double>) {
      if (field.name == "patience") {
        return;  // bound to beam_size
      }
      const T before = value;
      for (const double bound : {field.min, field.max, field.none.value_or(static_cast<double>(before))}) {
        value = static_cast<T>(bound);
        EXPECT_NO_THROW(transcribe::validate(options)) << field.name << " " << bound;
      }
      value = before;
    }
  });
}

}  // namespace
}  // namespace sotto::cli
