// A run that is killed without a warning and goes on with --resume.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_transcribe.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::run_and_kill;
using test::transcribe;
using testing::HasSubstr;
using testing::Not;

const fs::path kMedia = test::source_dir() / "demo/media";

void expect_same_files(const fs::path& a, const fs::path& b) {
  std::size_t n = 0;
  for (const auto& entry : fs::directory_iterator(a)) {
    EXPECT_EQ(test::read_file(entry.path()), test::read_file(b / entry.path().filename())) << entry.path();
    ++n;
  }
  EXPECT_EQ(n, static_cast<std::size_t>(std::distance(fs::directory_iterator(b), {})));
}

TEST(Resume, EndsAsIfTheRunHadNotBeenKilled) {
  // Words, conditioning and a prompt are what is carried from window to window; batches have none of it.
  const std::vector<std::vector<std::string>> cases = {
      {"-f", "srt,json", "--initial-prompt", "Good morning."},
      {"-f", "srt,json,txt", "--batch-size", "3", "--inference-precision", "f32"}};
  for (const std::vector<std::string>& more : cases) {
    const test::TempDir dir;
    std::vector<std::string> arguments = {kMedia / "demo.mp4", "-o", dir / "whole"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ASSERT_EQ(transcribe(arguments).status, 0);
    arguments[2] = dir / "cut";
    run_and_kill(arguments, dir / "cut" / "demo.partial.journal", 1);
    EXPECT_FALSE(fs::exists(dir / "cut" / "demo.srt"));
    arguments.emplace_back("--resume");
    const Outcome outcome = transcribe(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("demo.mp4: goes on at "));
    expect_same_files(dir / "whole", dir / "cut");
  }
}

TEST(Resume, HearsNoInputTwice) {
  const test::TempDir dir;
  const std::vector<std::string> arguments = {
      kMedia / "en.flac", kMedia / "demo.wav", "-o", dir / "out", "-f", "txt"};
  run_and_kill(arguments, dir / "out" / "demo.partial.journal", 1);
  ASSERT_TRUE(fs::exists(dir / "out" / "en.txt"));
  std::vector<std::string> again = arguments;
  again.insert(again.end(), {"--resume", "--json-lines"});
  const Outcome outcome = transcribe(again);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("{\"event\":\"resumed\",\"input\":\"" + (kMedia / "en.flac").string()));
  EXPECT_THAT(outcome.out,
              Not(HasSubstr("{\"event\":\"segment\",\"input\":\"" + (kMedia / "en.flac").string())));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "out"), {}), 2);
}

TEST(Resume, BeginsAnewWhereTheJournalIsOfSomethingElse) {
  const test::TempDir dir;
  const std::vector<std::string> arguments = {kMedia / "demo.wav", "-o", dir / "out", "-f", "json"};
  run_and_kill(arguments, dir / "out" / "demo.partial.journal", 1);
  std::vector<std::string> other = arguments;
  other.insert(other.end(), {"--resume", "--best-of", "3"});
  const Outcome outcome = transcribe(other);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("expected a journal of the same audio, model and options: "
                                     "options.best_of was 5 and is 3."));
  EXPECT_THAT(outcome.out, Not(HasSubstr("goes on")));
  EXPECT_THAT(transcribe({kMedia / "en.flac", "--stdout", "--resume"}).err,
              HasSubstr("expected no --resume"));
}

}  // namespace
}  // namespace sotto
