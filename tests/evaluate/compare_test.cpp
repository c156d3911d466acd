#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/report.h"
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
