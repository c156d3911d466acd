#include <filesystem>

#include <gtest/gtest.h>

#include "sotto/evaluate.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

namespace fs = std::filesystem;

/// A chapter folder with the transcript and an empty file for each name; only names matter here.
void add_chapter(const fs::path& folder,
                 const std::string& transcript,
                 const std::vector<std::string>& audio) {
  fs::create_directories(folder);
  test::write_file(folder / "chapter.trans.txt", transcript);
  for (const std::string& name : audio) {
    test::write_file(folder / name, "");
  }
}

TEST(ReadLibrispeech, OrdersUtterancesOfAllChaptersById) {
  const test::TempDir dir;
  add_chapter(dir / "2", "2-1-0001 LAST\n", {"2-1-0001.flac"});
  add_chapter(dir.path() / "1" / "7", "1-7-0002 AND TWO\n1-7-0001 ONE\n", {"1-7-0001.flac", "1-7-0002.wav"});
  const DataSet data = read_librispeech(dir.path());
  ASSERT_EQ(data.utterances.size(), 3U);
  EXPECT_EQ(data.utterances[0].id, "1-7-0001");
  EXPECT_EQ(data.utterances[0].text, "ONE");
  EXPECT_EQ(data.utterances[1].text, "AND TWO");
  EXPECT_EQ(data.utterances[1].audio, dir.path() / "1" / "7" / "1-7-0002.wav");
  EXPECT_EQ(data.utterances[2].id, "2-1-0001");
  EXPECT_TRUE(data.skipped.empty());
}

TEST(ReadLibrispeech, TakesTheFirstUtterances) {
  const test::TempDir dir;
  add_chapter(dir.path(), "b B\na A\nc C\n", {"a.flac", "b.flac", "c.flac"});
  const DataSet data = read_librispeech(dir.path(), 2);
  ASSERT_EQ(data.utterances.size(), 2U);
  EXPECT_EQ(data.utterances[1].id, "b");
  EXPECT_EQ(read_librispeech(dir.path(), 9).utterances.size(), 3U);
}

TEST(ReadLibrispeech, CountsWhatHasNoPartner) {
  const test::TempDir dir;
  add_chapter(dir.path(), "a A\nmissing B\n", {"a.flac", "untold.flac"});
  const DataSet data = read_librispeech(dir.path());
  EXPECT_EQ(data.utterances.size(), 1U);
  ASSERT_EQ(data.skipped.size(), 2U);
  EXPECT_THAT(data.skipped[0], testing::HasSubstr("chapter.trans.txt:2: transcript missing without audio"));
  EXPECT_THAT(data.skipped[1], testing::HasSubstr("untold.flac: audio without a transcript"));
}

TEST(ReadLibrispeech, CountsADuplicateIdOnce) {
  const test::TempDir dir;
  add_chapter(dir / "1", "a A\n", {"a.flac"});
  add_chapter(dir / "2", "a OTHER\n", {"a.flac"});
  const DataSet data = read_librispeech(dir.path());
  ASSERT_EQ(data.utterances.size(), 1U);
  EXPECT_EQ(data.utterances[0].text, "A");
  ASSERT_EQ(data.skipped.size(), 1U);
  EXPECT_THAT(data.skipped[0], testing::HasSubstr("id a was met before"));
}

TEST(ReadLibrispeech, KeepsUtterancesWithoutWordsAndReadsWindowsLines) {
  const test::TempDir dir;
  add_chapter(dir.path(), "a\r\n\r\nb  TWO WORDS \r\n", {"a.flac", "b.flac"});
  const DataSet data = read_librispeech(dir.path());
  ASSERT_EQ(data.utterances.size(), 2U);
  EXPECT_EQ(data.utterances[0].text, "");
  EXPECT_EQ(data.utterances[1].text, "TWO WORDS");
}

TEST(ReadLibrispeech, DoesNotFollowAnIdOutOfItsFolder) {
  const test::TempDir dir;
  add_chapter(dir / "in", "a A\n../secret B\n", {"a.flac"});
  test::write_file(dir / "secret.flac", "");
  const DataSet data = read_librispeech(dir.path());
  EXPECT_EQ(data.utterances.size(), 1U);
  EXPECT_THAT(data.skipped[0], testing::HasSubstr("expected an utterance id, found \"../secret\""));
}

TEST(ReadLibrispeech, SaysWhatItFoundInstead) {
  const test::TempDir dir;
  test::expect_error([&] { read_librispeech(dir / "no"); }, ErrorCode::not_found, "found nothing");
  test::write_file(dir / "file", "x");
  test::expect_error([&] { read_librispeech(dir / "file"); }, ErrorCode::bad_format, "found a file");
  fs::create_directory(dir / "empty");
  test::expect_error([&] { read_librispeech(dir / "empty"); }, ErrorCode::not_found, "LibriSpeech's layout");
}

TEST(Compare, RefusesToRunOnNothing) {
  test::expect_error([] { compare({}, {.utterances = {{"a", "a.flac", "A"}}}); }, ErrorCode::invalid_argument,
                     "one model");
  test::expect_error([] { compare({"m"}, {}); }, ErrorCode::not_found, "one utterance");
  test::expect_error([] { compare({"/no/model"}, {.utterances = {{"a", "a.flac", "A"}}}); },
                     ErrorCode::not_found, "/no/model: expected a model directory");
}

}  // namespace
}  // namespace sotto::evaluate
