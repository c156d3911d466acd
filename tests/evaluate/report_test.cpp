#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "evaluate/measurements.h"
#include "support/expect_error.h"

namespace sotto::evaluate {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

TEST(ToTable, ShowsTheNotebooksLinesFirst) {
  const std::string table = to_table(test::two_models());
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
  Comparison comparison = test::two_models();
  std::vector<Measurement>& measurements = comparison.models;
  measurements.insert(measurements.end(), 2, Measurement(measurements[1]));
  measurements[2].name = "whisper-large-v3-größe-int8";
  measurements[3].size.encoder_bytes = 3'000'000'000;
  std::istringstream lines(to_table(comparison));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(columns(line), 80U) << line;
  }
}

TEST(ToTable, SaysWhereThereIsNothingToDivideBy) {
  Comparison comparison = test::two_models();
  std::vector<Measurement>& measurements = comparison.models;
  measurements[1].size = {};
  measurements[1].words = {.insertions = 1};
  measurements[0].n_empty_references = 1;
  const std::string table = to_table(comparison);
  EXPECT_THAT(table, ContainsRegex("compression rate +- +n/a"));
  EXPECT_THAT(table, ContainsRegex("Word accuracy \\(%\\) +90\\.00 +n/a"));
  EXPECT_THAT(table, HasSubstr("1 reference has no words"));
  EXPECT_EQ(to_table({}), "");
  EXPECT_EQ(to_markdown({}), "");
}

TEST(ToJson, HoldsAllFiguresUnderStableKeys) {
  const auto json = nlohmann::json::parse(to_json(test::two_models()));
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

TEST(ToTable, SaysWhetherADifferenceIsShown) {
  Comparison comparison = test::two_models();
  EXPECT_THAT(to_table(comparison), ContainsRegex("95 % interval of the drop +- +-5\\.00…45\\.00"));
  EXPECT_THAT(verdicts(comparison),
              testing::ElementsAre(testing::AllOf(HasSubstr("int8: no difference in word accuracy shown"),
                                                  HasSubstr("some 40 utterances would show one of 20.00"))));
  comparison.models[1].drop =
      AccuracyDrop{.points = 20, .interval = {5, 35}, .is_shown = true, .n_utterances_to_show = {}};
  EXPECT_THAT(verdicts(comparison)[0], HasSubstr("int8: word accuracy is lower by 20.00 points"));
  comparison.models[1].drop = AccuracyDrop{};
  EXPECT_THAT(verdicts(comparison)[0], testing::Not(HasSubstr("would show")));
}

TEST(ToTable, SaysWhatIsOddAboutTheData) {
  Comparison comparison = test::two_models();
  comparison.skipped = {"a.flac: cut", "b.flac: cut"};
  comparison.n_resampled = 1;
  comparison.models[1].n_empty_hypotheses = 2;
  comparison.models[1].n_missing = 1;
  const std::string table = to_table(comparison);
  EXPECT_THAT(table, HasSubstr("2 parts of the data could not be used and are left out."));
  EXPECT_THAT(table, HasSubstr("1 utterance has not been recorded at 16 kHz"));
  EXPECT_THAT(table, HasSubstr("int8: no result for 1 of 2 utterances"));
  EXPECT_THAT(table, HasSubstr("int8: nothing was heard in 2 of 2 utterances"));
}

TEST(ToTable, ShowsNoFiguresOfSpeedOrSizeForAPeer) {
  Comparison comparison = test::two_models();
  Measurement peer;
  peer.name = "peer";
  peer.is_peer = true;
  peer.words = {.hits = 9, .substitutions = 1};
  comparison.models.push_back(peer);
  const std::string table = to_table(comparison);
  EXPECT_THAT(table, ContainsRegex("Encoder median inference \\(ms\\) +30\\.00 +15\\.00 +-\n"));
  EXPECT_THAT(table, ContainsRegex("Whole transcription, mean \\(s\\) +0\\.900 +0\\.600 +-\n"));
  const auto json = nlohmann::json::parse(to_json(comparison));
  EXPECT_TRUE(json["models"][2]["speed"].is_null());
  EXPECT_TRUE(json["models"][2]["is_peer"]);
}

TEST(ToTable, ShowsChrfOfTranslations) {
  Comparison comparison = test::two_models();
  EXPECT_THAT(to_table(comparison), testing::Not(HasSubstr("chrF")));
  comparison.task = transcribe::Task::translate;
  comparison.models[0].chrf = text::chrf_counts("a cat", "a cat");
  EXPECT_THAT(to_table(comparison), ContainsRegex("chrF +100\\.00 +n/a"));
}

TEST(ToHtml, LetsNoTextBecomeMarkup) {
  Comparison comparison = test::two_models();
  comparison.models[0].name = "</script><script>alert(1)</script>";
  comparison.models[0].utterances[0].hypothesis_words = "<!--<script>";
  const std::string page = to_html(comparison, {.commands = {"</script>@JS@"}});
  std::size_t n_scripts = 0;
  for (std::size_t at = page.find("</script"); at != std::string::npos; at = page.find("</script", at + 1)) {
    ++n_scripts;
  }
  EXPECT_EQ(n_scripts, 4U);  // the data, two libraries, the page's own
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));
  EXPECT_THAT(page, HasSubstr("\\u003c/script>@JS@"));
  EXPECT_LT(page.size(), 1'000'000U);
}

TEST(ToHtml, RefusesWhatIsNoQuantizersReport) {
  for (const char* text : {"", "[1]", "{}", R"({"schema": "other"})", "{broken"}) {
    ::sotto::test::expect_error(
        [&] { to_html(test::two_models(), {.commands = {}, .quantize_reports = {text}}); },
        ErrorCode::bad_format, "expected a file of sotto quantize --report");
    ::sotto::test::expect_error([&] { to_json(test::two_models(), {.quantize_reports = {text}}); },
                                ErrorCode::bad_format, "expected a file of sotto quantize --report");
  }
  ::sotto::test::expect_error([] { to_html({}); }, ErrorCode::invalid_argument, "at least one model");
}

const char* const kControlled =
    R"({"schema": "sotto.quantize", "model": "fp", "output": "in|t8", "accuracy_control": {"steps": [
        {"reverted": null, "accuracy_percent": 90.0}, {"reverted": "encoder fc1", "accuracy_percent": 93.5}, 7]}})";

ReportDetails details() {
  return {.quantize_reports = {kControlled},
          .layers = {{"int8",
                      {.encoder = {{.name = "fc1", .sqnr_db = 33.0, .low = -1.0, .high = 2.0},
                                   {.name = "fc2", .sqnr_db = 11.0, .low = -1.0, .high = 2.0}},
                       .decoder = {}}}}};
}

TEST(ToMarkdown, ShowsWhatLayersGaveBackAndWhichAreNoisiest) {
  const std::string markdown = to_markdown(test::two_models(), details());
  EXPECT_THAT(markdown, HasSubstr("layers of in\\|t8 went back to floating point"));
  EXPECT_THAT(markdown, HasSubstr("| everything quantized | 90.00 |  |\n| encoder fc1 | 93.50 | +3.50 |\n"));
  EXPECT_THAT(markdown, HasSubstr("| encoder fc2 | 11.0 | -1 to 2 | 0.0 | 0.0 |\n| encoder fc1 | 33.0 |"));
}

TEST(ToJson, HoldsLayersAndAccuracyControl) {
  const auto json = nlohmann::json::parse(to_json(test::two_models(), details()));
  EXPECT_EQ(json["layers"][0]["encoder"][1]["name"], "fc2");
  EXPECT_EQ(json["layers"][0]["encoder"][1]["sqnr_db"], 11.0);
  EXPECT_TRUE(json["layers"][0]["decoder"].empty());
  EXPECT_EQ(json["quantized"][0]["output"], "in|t8");
  EXPECT_EQ(json["quantized"][0]["accuracy_control"]["steps"][1]["accuracy_percent"], 93.5);
  EXPECT_TRUE(nlohmann::json::parse(to_json(test::two_models()))["quantized"].empty());
}

TEST(ToMarkdown, EscapesNames) {
  Comparison comparison = test::two_models();
  comparison.models[0].name = "a|b<script>";
  const std::string markdown = to_markdown(comparison);
  EXPECT_THAT(markdown, HasSubstr("| | a\\|b\\<script\\> | int8 |\n| --- | ---: | ---: |"));
  EXPECT_THAT(markdown, HasSubstr("| Encoder file size (KB) | 4.00 | 2.00 |"));
  EXPECT_THAT(markdown, HasSubstr("| – compression rate | - | 2.000 |"));
}

TEST(ToJson, HoldsIntervalsAndWhatWasLeftOut) {
  Comparison comparison = test::two_models();
  comparison.skipped = {"x"};
  const auto json = nlohmann::json::parse(to_json(comparison));
  EXPECT_EQ(json["data"]["source"], "demo/data/test");
  EXPECT_EQ(json["data"]["n_skipped"], 1);
  EXPECT_EQ(json["models"][1]["accuracy"]["drop"]["n_utterances_to_show"], 40);
  EXPECT_EQ(json["models"][1]["accuracy"]["drop"]["interval"][0], -5.0);
  EXPECT_TRUE(json["models"][0]["accuracy"]["drop"].is_null());
  EXPECT_EQ(json["models"][0]["speed"]["encoder_ms"]["p95"], 33.5);
  EXPECT_EQ(json["models"][0]["memory"]["peak_bytes"], 30'000'000);
  EXPECT_TRUE(json["models"][0]["energy_j"].is_null());
}

TEST(ToJson, WritesNullForWhatCannotBeDivided) {
  const auto json =
      nlohmann::json::parse(to_json({.models = {Measurement{}}, .data = {}, .skipped = {}, .audio = {}}));
  EXPECT_TRUE(json["models"][0]["accuracy"]["word_accuracy_percent"].is_null());
  EXPECT_TRUE(json["models"][0]["speed"]["x_realtime"].is_null());
  EXPECT_TRUE(nlohmann::json::parse(to_json({}))["models"].empty());
}

TEST(ToJson, SurvivesTextThatIsNotUtf8) {
  Comparison comparison = test::two_models();
  std::vector<Measurement>& measurements = comparison.models;
  measurements[0].utterances[0].hypothesis = "caf\xe9";
  EXPECT_NO_THROW(nlohmann::json::parse(to_json(comparison)));
}

}  // namespace
}  // namespace sotto::evaluate
