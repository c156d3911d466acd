#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "evaluate/measurements.h"

namespace sotto::evaluate {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

TEST(ToTable, ShowsTheNotebooksLinesFirst) {
  const std::string table = to_table(test::two_measurements());
  EXPECT_THAT(table, ContainsRegex("fp16 +int8"));
  EXPECT_THAT(table,
              ContainsRegex("Encoder file size \\(KB\\) +4\\.00 +2\\.00\n +compression rate +- +2\\.000"));
  EXPECT_THAT(table,
              ContainsRegex("Decoder median inference \\(ms\\) +5\\.00 +4\\.00\n +speed-up +- +1\\.250"));
  EXPECT_THAT(table,
              ContainsRegex("Whole transcription, mean \\(s\\) +0\\.900 +0\\.600\n +speed-up +- +1\\.500"));
  EXPECT_THAT(table,
              ContainsRegex("Word accuracy \\(%\\) +90\\.00 +70\\.00\n +drop \\(points\\) +- +20\\.00"));
  EXPECT_THAT(table, ContainsRegex("deleted +0 +1"));
  EXPECT_THAT(table, ContainsRegex("INT8 kernels, encoder +0 of 24 +22 of 24"));
  EXPECT_THAT(table, HasSubstr("avx2 avx512_vnni"));
}

TEST(ToTable, FitsEightyColumnsWithFourModelsAndLongNames) {
  auto measurements = test::two_measurements();
  measurements.push_back(measurements[1]);
  measurements.push_back(measurements[1]);
  measurements[2].name = "whisper-large-v3-größe-int8";
  measurements[3].size.encoder_bytes = 3'000'000'000;
  std::istringstream lines(to_table(measurements));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns(line), 80U) << line;
  }
}

TEST(ToTable, SaysWhereThereIsNothingToDivideBy) {
  auto measurements = test::two_measurements();
  measurements[1].size = {};
  measurements[1].words = {.insertions = 1};
  measurements[0].n_empty_references = 1;
  const std::string table = to_table(measurements);
  EXPECT_THAT(table, ContainsRegex("compression rate +- +n/a"));
  EXPECT_THAT(table, ContainsRegex("Word accuracy \\(%\\) +90\\.00 +n/a"));
  EXPECT_THAT(table, HasSubstr("1 have a reference without words"));
  EXPECT_EQ(to_table({}), "");
}

TEST(ToJson, HoldsAllFiguresUnderStableKeys) {
  const auto json = nlohmann::json::parse(to_json(test::two_measurements()));
  EXPECT_EQ(json["schema"], "sotto.compare");
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["environment"]["cpu_features"][1], "avx512_vnni");
  const auto& int8 = json["models"][1];
  EXPECT_EQ(int8["name"], "int8");
  EXPECT_EQ(int8["size"]["encoder_bytes"], 2048);
  EXPECT_EQ(int8["size"]["encoder_compression"], 2.0);
  EXPECT_EQ(int8["speed"]["decoder_speedup"], 1.25);
  EXPECT_EQ(int8["accuracy"]["words"], 10);
  EXPECT_EQ(int8["accuracy"]["insertions"], 1);
  EXPECT_NEAR(int8["accuracy"]["drop_points"].get<double>(), 20.0, 1e-9);
  EXPECT_EQ(int8["kernels"]["encoder"]["int8"], 22);
  EXPECT_EQ(int8["utterances"][1]["hypothesis"], "tree");
  EXPECT_EQ(json["models"][0]["accuracy"]["drop_points"], 0.0);
}

TEST(ToJson, WritesNullForWhatCannotBeDivided) {
  const auto json = nlohmann::json::parse(to_json({Measurement{}}));
  EXPECT_TRUE(json["models"][0]["accuracy"]["word_accuracy_percent"].is_null());
  EXPECT_TRUE(json["models"][0]["speed"]["x_realtime"].is_null());
  EXPECT_TRUE(nlohmann::json::parse(to_json({}))["models"].empty());
}

TEST(ToJson, SurvivesTextThatIsNotUtf8) {
  auto measurements = test::two_measurements();
  measurements[0].utterances[0].hypothesis = "caf\xe9";
  EXPECT_NO_THROW(nlohmann::json::parse(to_json(measurements)));
}

}  // namespace
}  // namespace sotto::evaluate
