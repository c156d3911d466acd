#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/report.h"
#include "sotto/resume.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

namespace fs = std::filesystem;

/// The demo model as IR, built once.
const fs::path& model_directory() {
  static const test::TempDir dir;
  static const fs::path path = [] {
    model::save(model::build(test::source_dir() / "demo/model"), dir / "fp16");
    return dir / "fp16";
  }();
  return path;
}

DataSet first_utterances(std::size_t n) {
  return read_librispeech(test::source_dir() / "demo/data/test", n);
}

/// Results of a peer that heard every word but the first of each utterance.
void write_peer(const fs::path& directory, const DataSet& data, std::size_t n) {
  fs::create_directories(directory);
  for (std::size_t i = 0; i < n; ++i) {
    const std::string& text = data.utterances[i].text;
    const nlohmann::json result = {{"text", text.substr(text.find(' ') + 1)}, {"language", "en"}};
    test::write_file(directory / (data.utterances[i].id + ".json"), result.dump());
  }
}

TEST(Compare, MeasuresModelsAndPeersOnTheSameUtterances) {
  const test::TempDir dir;
  const DataSet data = first_utterances(3);
  write_peer(dir / "peer", data, 3);
  CompareOptions options;
  options.transcribe.language = "en";
  options.keep_audio = 2;
  const auto speech = open_speech(data);
  const Comparison comparison =
      compare({model_directory(), model_directory(), dir / "peer"}, *speech, options);

  ASSERT_EQ(comparison.models.size(), 3U);
  const Measurement& first = comparison.models[0];
  EXPECT_EQ(first.name, "fp16");
  EXPECT_NE(comparison.models[1].name, "fp16");
  EXPECT_EQ(first.utterances.size(), 3U);
  EXPECT_EQ(first.transcription_s.n, 3U);
  EXPECT_GE(first.encoder_ms.n, 3U);
  EXPECT_GE(first.encoder_ms.median, first.encoder_ms.p5);
  EXPECT_LE(first.encoder_ms.median, first.encoder_ms.p95);
  EXPECT_GT(first.warm_up_s, 0.0);
  EXPECT_FALSE(first.drop);
  EXPECT_EQ(comparison.models[1].drop->points, 0.0);

  const Measurement& peer = comparison.models[2];
  EXPECT_TRUE(peer.is_peer);
  EXPECT_EQ(peer.encoder_ms.n, 0U);
  EXPECT_EQ(peer.words.deletions, 3U);
  EXPECT_EQ(peer.words.reference_length(), first.words.reference_length());
  EXPECT_EQ(comparison.audio.size(), 2U);
  EXPECT_FALSE(comparison.audio.begin()->second.empty());
}

TEST(Compare, CountsMissingResultsAsHeardNothing) {
  const test::TempDir dir;
  const DataSet data = first_utterances(3);
  write_peer(dir / "peer", data, 2);
  const auto speech = open_speech(data);
  const Comparison comparison = compare({dir / "peer"}, *speech);
  EXPECT_EQ(comparison.models[0].n_missing, 1U);
  EXPECT_EQ(comparison.models[0].n_empty_hypotheses, 1U);
  EXPECT_EQ(comparison.models[0].utterances.size(), 3U);
}

TEST(Compare, KeepsTheSoundOfWhatChangedMost) {
  const test::TempDir dir;
  const DataSet data = first_utterances(4);
  write_peer(dir / "one", data, 4);
  write_peer(dir / "other", data, 4);
  test::write_file(dir / "other" / (data.utterances[2].id + ".json"), R"({"text": "x"})");
  CompareOptions options;
  options.keep_audio = 1;
  const auto speech = open_speech(data);
  const Comparison comparison = compare({dir / "one", dir / "other"}, *speech, options);
  ASSERT_EQ(comparison.audio.size(), 1U);
  EXPECT_EQ(comparison.audio.begin()->first, data.utterances[2].id);
}

TEST(Compare, RefusesResultsOfOtherUtterances) {
  const test::TempDir dir;
  fs::create_directories(dir / "peer");
  test::write_file(dir / "peer" / "other.json", R"({"text": "x"})");
  const auto speech = open_speech(first_utterances(2));
  test::expect_error([&] { compare({dir / "peer"}, *speech); }, ErrorCode::not_found,
                     "none of any utterance");
}

TEST(Compare, SkipsAndCountsAudioThatCannotBeRead) {
  const test::TempDir dir;
  DataSet data = first_utterances(2);
  test::write_file(dir / "cut.flac", test::read_file(data.utterances[0].audio).substr(0, 2000));
  data.utterances[0].audio = dir / "cut.flac";
  write_peer(dir / "peer", data, 2);
  const auto speech = open_speech(data);
  const Comparison comparison = compare({dir / "peer"}, *speech);
  EXPECT_EQ(comparison.models[0].utterances.size(), 1U);
  ASSERT_EQ(comparison.skipped.size(), 1U);
  EXPECT_THAT(comparison.skipped[0], testing::HasSubstr("cut.flac"));
}

TEST(Compare, GoesOnWhereItWasKilled) {
  const test::TempDir dir;
  CompareOptions options;
  options.transcribe.language = "en";
  const ResumeOptions resume{dir / "progress", "greedy"};
  std::stop_source stop;
  const Progress stop_at_third{.report =
                                   [&](std::string_view stage, double done, double) {
                                     if (stage == "compare" && done >= 2.0) {
                                       stop.request_stop();
                                     }
                                   },
                               .stop = stop.get_token()};
  test::expect_error(
      [&] {
        compare({model_directory()}, *open_speech(first_utterances(3)), options, resume, stop_at_third);
      },
      ErrorCode::cancelled, "stopped on request");
  const std::string kept = test::read_file(dir / "progress");
  ASSERT_EQ(std::count(kept.begin(), kept.end(), '\n'), 3) << kept;  // what was compared, two utterances

  test::write_file(dir / "progress", kept + R"({"id": "cut o)");
  const auto resumed =
      compare({model_directory()}, *open_speech(first_utterances(3)), options, resume).models;
  ASSERT_EQ(resumed.front().utterances.size(), 3U);
  EXPECT_EQ(resumed.front().transcription_s.n, 3U);
  EXPECT_GE(resumed.front().encoder_ms.n, 3U);
  const std::string all = test::read_file(dir / "progress");
  EXPECT_TRUE(all.starts_with(kept));
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 4);
  const auto first = nlohmann::json::parse(
      kept.substr(kept.find('\n') + 1, kept.find('\n', kept.find('\n') + 1) - kept.find('\n') - 1));
  EXPECT_EQ(resumed.front().utterances[0].transcription_s, first["turns"][0]["transcription_s"]);
  EXPECT_EQ(resumed.front().utterances[0].hypothesis, first["turns"][0]["hypothesis"]);
  const auto anew = compare({model_directory()}, first_utterances(3), options);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(resumed.front().utterances[i].hypothesis_words, anew.front().utterances[i].hypothesis_words);
    EXPECT_EQ(resumed.front().utterances[i].words.errors(), anew.front().utterances[i].words.errors());
  }
}

TEST(Compare, RefusesProgressOfSomethingElse) {
  const test::TempDir dir;
  write_peer(dir / "peer", first_utterances(3), 3);
  CompareOptions options;
  ResumeOptions resume{dir / "progress", "a"};
  const auto run = [&](const DataSet& data) { compare({dir / "peer"}, *open_speech(data), options, resume); };
  run(first_utterances(2));
  DataSet other = first_utterances(3);
  other.utterances.erase(other.utterances.begin());
  test::expect_error([&] { run(other); }, ErrorCode::invalid_argument,
                     "expected progress with the same speech");
  resume.settings = "b";
  test::expect_error([&] { run(first_utterances(2)); }, ErrorCode::invalid_argument, "found that of others");
  test::write_file(dir / "progress", "something else\n");
  test::expect_error([&] { run(first_utterances(2)); }, ErrorCode::bad_format, "found something else");
  resume.file = dir / "no/progress";
  test::expect_error([&] { run(first_utterances(2)); }, ErrorCode::io, "cannot be written");
}

TEST(Compare, RefusesNothingToCompare) {
  const auto speech = open_speech(first_utterances(1));
  test::expect_error([&] { compare({}, *speech); }, ErrorCode::invalid_argument, "at least one model");
  const auto none = open_speech(DataSet{});
  const test::TempDir dir;
  write_peer(dir / "peer", first_utterances(1), 1);
  test::expect_error([&] { compare({dir / "peer"}, *none); }, ErrorCode::not_found, "at least one utterance");
  test::expect_error([&] { compare({dir / "missing"}, *speech); }, ErrorCode::not_found,
                     "expected a model directory");
}

}  // namespace
}  // namespace sotto::evaluate
