// `sotto transcribe` as openai-whisper's users and other programs meet it.

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/run_transcribe.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Outcome;
using testing::HasSubstr;
using testing::Not;

const fs::path kSpeech = test::source_dir() / "demo/media/en.flac";
using test::transcribe;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

TEST(Layout, IsReadableWithWordTimesUnlessAskedOtherwise) {
  const test::TempDir dir;
  ASSERT_EQ(transcribe({kSpeech, "-o", dir.path(), "-f", "json,srt"}).status, 0);
  const json heard = json::parse(test::read_file(dir / "en.json"));
  EXPECT_FALSE(heard["segments"][0]["words"].empty());
  ASSERT_EQ(transcribe({kSpeech, "-o", dir / "plain", "-f", "json,srt", "--word_timestamps", "False"}).status,
            0);
  EXPECT_FALSE(json::parse(test::read_file(dir / "plain" / "en.json"))["segments"][0].contains("words"));
  ASSERT_EQ(transcribe({kSpeech, "-o", dir / "text", "-f", "json,txt"}).status, 0);
  EXPECT_FALSE(json::parse(test::read_file(dir / "text" / "en.json"))["segments"][0].contains("words"));
}

TEST(Layout, FollowsOpenaisOptionsWhereTheyAreGiven) {
  const Outcome outcome = transcribe({kSpeech, "--stdout", "-f", "srt", "--max_words_per_line", "1"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const std::string& line : lines_of(outcome.out)) {
    EXPECT_TRUE(line.find(' ') == std::string::npos || line.find("-->") != std::string::npos) << line;
  }
  EXPECT_THAT(transcribe({kSpeech, "--stdout", "-f", "srt", "--highlight_words", "True"}).out,
              HasSubstr("<u>"));
  const Outcome refused =
      transcribe({kSpeech, "--stdout", "--word_timestamps", "False", "--highlight_words", "True"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("--word-timestamps: expected True"));
}

TEST(Formats, AreAllWritten) {
  const test::TempDir dir;
  ASSERT_EQ(transcribe({kSpeech, "-o", dir.path(), "--output_format", "all", "--speaker", "Ann"}).status, 0);
  for (const char* extension : {"txt", "srt", "vtt", "tsv", "json", "ass", "lrc", "csv"}) {
    EXPECT_GT(fs::file_size(dir / (std::string("en.") + extension)), 0U) << extension;
  }
  EXPECT_THAT(test::read_file(dir / "en.vtt"), HasSubstr("<v Ann>"));
}

TEST(PrintColors, ColorsWordsByTheirProbability) {
  const test::TempDir dir;
  const Outcome outcome = transcribe({kSpeech, "-o", dir.path(), "-f", "txt", "--print_colors", "True"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("] \x1b[38;5;"));
  EXPECT_THAT(test::read_file(dir / "en.txt"), Not(HasSubstr("\x1b")));
}

TEST(JsonLines, TellWhatHappens) {
  const test::TempDir dir;
  const Outcome outcome =
      transcribe({dir / "no.wav", kSpeech, "-o", dir.path(), "-f", "txt", "--json-lines"});
  EXPECT_EQ(outcome.status, 1);
  std::vector<std::string> events;
  for (const std::string& line : lines_of(outcome.out)) {
    const json event = json::parse(line);
    if (event["event"] != "progress") {
      events.push_back(event["event"]);
    }
    if (event["event"] == "failed") {
      EXPECT_EQ(event["code"], "not_found");
      EXPECT_THAT(event["message"].get<std::string>(), HasSubstr("no.wav"));
    } else if (event["event"] == "segment") {
      EXPECT_GT(event["segment"]["end"], event["segment"]["start"]);
    } else if (event["event"] == "finished") {
      EXPECT_EQ(event["language"], "en");
      EXPECT_EQ(event["outputs"][0], (dir / "en.txt").string());
    } else if (event["event"] == "end") {
      EXPECT_EQ(event["status"], 1);
    }
  }
  ASSERT_GE(events.size(), 6U);
  EXPECT_EQ(std::vector(events.begin(), events.begin() + 4),
            (std::vector<std::string>{"begin", "failed", "begin", "segment"}));
  EXPECT_EQ(std::vector(events.end() - 2, events.end()), (std::vector<std::string>{"finished", "end"}));
}

}  // namespace
}  // namespace sotto
