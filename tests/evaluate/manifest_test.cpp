#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sotto/data_set.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

using testing::HasSubstr;

class ReadManifest : public testing::Test {
 protected:
  ReadManifest() {
    std::filesystem::create_directories(dir_ / "clips");
    for (const char* name : {"a.mp3", "b.mp3", "clips/c.mp3"}) {
      ::sotto::test::write_file(dir_ / name, "");
    }
  }
  DataSet read(const std::string& name, const std::string& content, bool translated = false) {
    ::sotto::test::write_file(dir_ / name, content);
    return read_manifest(dir_ / name, translated);
  }
  ::sotto::test::TempDir dir_;
};

TEST_F(ReadManifest, KnowsCommonVoicesColumns) {
  const DataSet data = read("validated.tsv",
                            "client_id\tpath\tsentence\tup_votes\n"
                            "x\tc.mp3\tShe said \"no\".\t2\r\n"
                            "x\tgone.mp3\tNot there.\t2\n"
                            "x\tc.mp3\tAgain.\t2\n"
                            "x\ttoo few\n");
  ASSERT_EQ(data.utterances.size(), 1U);
  EXPECT_EQ(data.utterances[0].id, "c");
  EXPECT_EQ(data.utterances[0].text, "She said \"no\".");
  EXPECT_EQ(data.utterances[0].audio, dir_ / "clips" / "c.mp3");
  EXPECT_THAT(data.skipped, testing::ElementsAre(HasSubstr("validated.tsv:3: no such recording: gone.mp3"),
                                                 HasSubstr(":4: id c was met before"),
                                                 HasSubstr(":5: expected 4 columns, found 2")));
}

TEST_F(ReadManifest, ReadsQuotedCommaSeparatedCells) {
  const DataSet data = read("metadata.csv",
                            "\xef\xbb\xbf"
                            "file_name,transcription\r\n"
                            "a.mp3,\"One, \"\"two\"\"\nthree\"\r\n"
                            "b.mp3,four");
  ASSERT_EQ(data.utterances.size(), 2U);
  EXPECT_EQ(data.utterances[0].text, "One, \"two\"\nthree");
  EXPECT_EQ(data.utterances[1].text, "four");
}

TEST_F(ReadManifest, ReadsLinesOfJson) {
  const std::string lines =
      R"({"id": 7, "audio": {"path": "a.mp3", "array": null}, "text": "one", "translation": "eins"})"
      "\n\n"
      R"({"audio_filepath": "b.mp3", "duration": 1.5, "text": ""})"
      "\n[1]\n{broken\n";
  const DataSet data = read("test.jsonl", lines);
  ASSERT_EQ(data.utterances.size(), 2U);
  EXPECT_EQ(data.utterances[0].id, "7");
  EXPECT_EQ(data.utterances[1].text, "");
  EXPECT_EQ(data.skipped.size(), 2U);
  const DataSet translated = read("test.jsonl", lines, true);
  ASSERT_EQ(translated.utterances.size(), 1U);
  EXPECT_EQ(translated.utterances[0].text, "eins");
}

TEST_F(ReadManifest, RefusesATableWithoutUtterances) {
  ::sotto::test::expect_error([&] { read("x.tsv", "path\tsentence\ngone.mp3\tx\n"); }, ErrorCode::not_found,
                              "no such recording: gone.mp3");
  ::sotto::test::expect_error([&] { read("x.csv", ""); }, ErrorCode::not_found, "found none");
  ::sotto::test::expect_error([&] { read_manifest(dir_ / "no.tsv"); }, ErrorCode::not_found, "no.tsv");
}

TEST_F(ReadManifest, SurvivesAnyBytes) {
  const std::string good = "path,sentence\na.mp3,\"x \"\"y\"\"\"\nb.mp3,z\n";
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char c : {'"', ',', '\n', '\0', '\xff'}) {
      std::string damaged = good;
      damaged[at] = c;
      try {
        read("x.csv", damaged);
      } catch (const Error&) {  // refused is as good as read
      }
    }
  }
}

TEST_F(ReadManifest, IsOneOfTheSourcesOfSpeech) {
  ::sotto::test::write_file(dir_ / "t.tsv", "path\ttext\na.mp3\tA\nb.mp3\tB\nclips/c.mp3\tC\n");
  DataOptions second;
  second.take = 1;
  second.skip = 1;
  const auto speech = open_speech((dir_ / "t.tsv").string(), second);
  EXPECT_EQ(speech->size(), 1U);
  EXPECT_FALSE(speech->next());  // empty files: skipped, and said
  EXPECT_THAT(speech->skipped(), testing::ElementsAre(HasSubstr("b.mp3")));
}

TEST_F(ReadManifest, IsReadWhereAFolderIsExpected) {
  ::sotto::test::write_file(dir_ / "t.tsv", "path\ttext\na.mp3\tA\nb.mp3\tB\n");
  const DataSet data = read_librispeech(dir_ / "t.tsv", 1);
  ASSERT_EQ(data.utterances.size(), 1U);
  EXPECT_EQ(data.utterances[0].text, "A");
}

TEST(ReadFolder, TakesATextBesideEachRecording) {
  const ::sotto::test::TempDir dir;
  std::filesystem::create_directories(dir / "sub");
  for (const char* name : {"a.wav", "sub/a.wav", "untold.wav"}) {
    ::sotto::test::write_file(dir / name, "");
  }
  ::sotto::test::write_file(dir / "a.txt", "one two\n");
  ::sotto::test::write_file(dir / "sub" / "a.txt", " three ");
  ::sotto::test::write_file(dir / "notes.txt", "no recording of that name");
  const DataSet data = read_librispeech(dir.path());
  ASSERT_EQ(data.utterances.size(), 2U);
  EXPECT_EQ(data.utterances[0].id, "a");
  EXPECT_EQ(data.utterances[0].text, "one two");
  EXPECT_EQ(data.utterances[1].id, "sub/a");
  EXPECT_EQ(data.utterances[1].text, "three");
  EXPECT_THAT(data.skipped, testing::ElementsAre(HasSubstr("untold.wav: audio without a transcript")));
}

}  // namespace
}  // namespace sotto::evaluate
