// `sotto transcribe --batch-size` over several files, and `--check-batch`.

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/run_transcribe.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Outcome;
using test::transcribe;
using testing::HasSubstr;

const fs::path kMedia = test::source_dir() / "demo/media";

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Batches whose size depends on what else is heard: rounding must not decide.
std::vector<std::string> batched(const std::vector<std::string>& arguments) {
  return with(arguments, {"--batch-size", "3", "--inference-precision", "f32", "-f", "srt,json"});
}

/// The inputs that events are about, in their order.
std::vector<std::string> inputs_told(const std::string& json_lines) {
  std::vector<std::string> inputs;
  std::istringstream lines(json_lines);
  for (std::string line; std::getline(lines, line);) {
    const std::string input = json::parse(line).value("input", "");
    if (!input.empty() && (inputs.empty() || inputs.back() != input)) {
      inputs.push_back(input);
    }
  }
  return inputs;
}

TEST(Batches, OfSeveralFilesAreHeardAsTheyAreAloneAndABadOneStopsNone) {
  const test::TempDir dir;
  test::write_file(dir / "bad.wav", "no sound");
  const Outcome outcome = transcribe(batched({kMedia / "demo.wav", kMedia / "en.flac", dir / "bad.wav",
                                              kMedia / "de.flac", "-o", dir / "all", "--json-lines"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("bad.wav: expected audio or video"));
  EXPECT_THAT(inputs_told(outcome.out), testing::ElementsAre(kMedia / "demo.wav", kMedia / "en.flac",
                                                             dir / "bad.wav", kMedia / "de.flac"));
  for (const char* name : {"demo.wav", "en.flac", "de.flac"}) {
    ASSERT_EQ(transcribe(batched({kMedia / name, "-o", dir / "alone"})).status, 0);
  }
  std::size_t n = 0;
  for (const auto& entry : fs::directory_iterator(dir / "alone")) {
    EXPECT_EQ(test::read_file(entry.path()), test::read_file(dir / "all" / entry.path().filename()));
    ++n;
  }
  EXPECT_EQ(n, 6U);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "all"), {}), 6);  // no journal is left
}

/// Counts how often a file is opened, by anybody.
class OpenCounter {
 public:
  explicit OpenCounter(const fs::path& file) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    EXPECT_GE(::inotify_add_watch(events_, file.c_str(), IN_OPEN), 0);
  }
  ~OpenCounter() { ::close(events_); }
  OpenCounter(const OpenCounter&) = delete;
  OpenCounter& operator=(const OpenCounter&) = delete;

  std::size_t take() const {
    std::size_t n = 0;
    alignas(inotify_event) std::array<char, 4096> buffer{};
    for (ssize_t n_bytes = 0; (n_bytes = ::read(events_, buffer.data(), buffer.size())) > 0;) {
      n += static_cast<std::size_t>(n_bytes) / sizeof(inotify_event);  // of a file they have no name
    }
    return n;
  }

 private:
  int events_;
};

TEST(Batches, OfSeveralFilesLoadTheModelOnce) {
  const test::TempDir dir;
  fs::copy(test::source_dir() / "demo/model", dir / "model");
  const OpenCounter weights(dir / "model" / "model.safetensors");
  const auto n_opened = [&](std::vector<std::string> inputs) {
    const Outcome outcome = test::run_sotto(
        with(with({"transcribe", "--model", dir / "model", "-o", dir.path(), "-f", "txt", "--beam-size", "0"},
                  inputs),
             {"--language", "en"}));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return weights.take();
  };
  const std::size_t n_for_one = n_opened({kMedia / "en.flac"});
  EXPECT_GE(n_for_one, 1U);
  EXPECT_EQ(n_opened({kMedia / "en.flac", kMedia / "de.flac", kMedia / "fr.flac"}), n_for_one);
}

TEST(Batches, OfSeveralFilesGoOnAfterAKillAsIfThereHadBeenNone) {
  const test::TempDir dir;
  const auto arguments = [&](const char* out) {
    return batched({kMedia / "en.flac", kMedia / "demo.wav", kMedia / "de.flac", "-o", dir / out});
  };
  ASSERT_EQ(transcribe(arguments("whole")).status, 0);
  test::run_and_kill(arguments("cut"), dir / "cut" / "demo.partial.journal", 1);
  const Outcome outcome = transcribe(with(arguments("cut"), {"--resume"}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("demo.wav: goes on at "));
  for (const auto& entry : fs::directory_iterator(dir / "whole")) {
    EXPECT_EQ(test::read_file(entry.path()), test::read_file(dir / "cut" / entry.path().filename()));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "cut"), {}), 6);
}

TEST(CheckBatch, TellsWhichWordsBatchesChange) {
  const test::TempDir dir;
  const Outcome outcome = transcribe({kMedia / "en.flac", kMedia / "no.wav", "-o", dir.path(), "-f", "txt",
                                      "--check-batch", "--json-lines"});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  std::istringstream lines(outcome.out);
  std::vector<json> checks;
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line);
    if (event["event"] == "batch_checked") {
      checks.push_back(event);
    }
  }
  ASSERT_EQ(checks.size(), 1U);  // what could not be heard is not heard again
  EXPECT_EQ(checks[0]["input"], (kMedia / "en.flac").string());
  EXPECT_GT(checks[0]["n_words"], 50);
  EXPECT_EQ(checks[0]["differences"].empty(),
            checks[0]["n_substituted"] == 0 && checks[0]["n_left_out"] == 0 && checks[0]["n_added"] == 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(CheckBatch, RefusesWhatLeavesNothingToCompareOrNowhereToShowIt) {
  const Outcome single = transcribe({kMedia / "en.flac", "--check-batch", "--batch-size", "1"});
  EXPECT_EQ(single.status, 2);
  EXPECT_THAT(single.err, HasSubstr("--check-batch: expected --batch-size of 0 or above 1"));
  EXPECT_THAT(transcribe({kMedia / "en.flac", "--check-batch", "--stdout"}).err,
              HasSubstr("--check-batch: expected no --stdout"));
}

}  // namespace
}  // namespace sotto
