#include "cli/journal.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/field_json.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::cli {
namespace {

namespace fs = std::filesystem;
using transcribe::Checkpoint;
using transcribe::Segment;

transcribe::TranscribeOptions options() {
  transcribe::TranscribeOptions made;
  made.logprob_threshold = -std::numeric_limits<double>::infinity();  // what None stands for
  return made;
}

Json binding(const transcribe::TranscribeOptions& of = options()) {
  return {{"audio", {{"bytes", 12}}}, {"options", fields_json(of)}};
}

Segment segment(int id) {
  return {.id = id,
          .seek_frames = 100,
          .start_s = 1.0 / 3.0,
          .end_s = 2.123456789012345,
          .text = " Grüße, 東京 \"x\"\n",
          .tokens = {50364, 7, 50400},
          .temperature = 0.2,
          .avg_logprob = -0.1234567890123,
          .compression_ratio = 1.5,
          .no_speech_prob = 1e-300,
          .words = {{" Grüße", 0.5, 0.75, 0.1}, {",", 0.75, 0.75, 1.0 / 7.0}},
          .stamp_start_s = 0.32,
          .stamp_end_s = 2.12,
          .language = "de"};
}

const Checkpoint kCheckpoint = {.clip = 1,
                                .seek_frames = 212,
                                .language = "de",
                                .language_probability = 0.7,
                                .prompt_reset_since = 3,
                                .last_speech_s = 0.75};

class JournalFile : public testing::Test {
 protected:
  /// A journal of two windows: two segments, then none.
  void write() {
    Journal journal(path_, binding(), std::nullopt);
    journal.add(segment(0));
    journal.add(segment(1));
    EXPECT_TRUE(journal.checkpoint(kCheckpoint));
    EXPECT_TRUE(journal.checkpoint({.seek_frames = 3000}));
  }
  test::TempDir dir_;
  fs::path path_ = dir_ / "a.journal";
};

TEST_F(JournalFile, GivesBackEveryBitOfWhatWasHeard) {
  {
    Journal journal(path_, binding(), std::nullopt);
    journal.add(segment(0));
    journal.checkpoint(kCheckpoint);
  }
  const auto read = read_journal(path_, binding());
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->finished);
  const Checkpoint& checkpoint = read->heard.checkpoint;
  EXPECT_EQ(checkpoint.clip, kCheckpoint.clip);
  EXPECT_EQ(checkpoint.seek_frames, kCheckpoint.seek_frames);
  EXPECT_EQ(checkpoint.language, kCheckpoint.language);
  EXPECT_EQ(checkpoint.language_probability, kCheckpoint.language_probability);
  EXPECT_EQ(checkpoint.prompt_reset_since, kCheckpoint.prompt_reset_since);
  EXPECT_EQ(checkpoint.last_speech_s, kCheckpoint.last_speech_s);
  ASSERT_EQ(read->heard.segments.size(), 1U);
  const Segment& got = read->heard.segments.front();
  const Segment expected = segment(0);
  EXPECT_EQ(got.id, expected.id);
  EXPECT_EQ(got.seek_frames, expected.seek_frames);
  EXPECT_EQ(got.start_s, expected.start_s);
  EXPECT_EQ(got.end_s, expected.end_s);
  EXPECT_EQ(got.text, expected.text);
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(got.temperature, expected.temperature);
  EXPECT_EQ(got.avg_logprob, expected.avg_logprob);
  EXPECT_EQ(got.compression_ratio, expected.compression_ratio);
  EXPECT_EQ(got.no_speech_prob, expected.no_speech_prob);
  EXPECT_EQ(got.stamp_start_s, expected.stamp_start_s);
  EXPECT_EQ(got.stamp_end_s, expected.stamp_end_s);
  EXPECT_EQ(got.language, expected.language);
  ASSERT_EQ(got.words.size(), 2U);
  EXPECT_EQ(got.words[1].word, ",");
  EXPECT_EQ(got.words[1].probability, 1.0 / 7.0);
}

TEST_F(JournalFile, GoesOnBehindWhatWasRead) {
  write();
  {
    Journal journal(path_, binding(), read_journal(path_, binding()));
    journal.add(segment(2));
    journal.checkpoint(kCheckpoint);
    transcribe::Transcription heard;
    heard.text = "all";
    heard.language = "de";
    heard.duration_s = 40.5;
    journal.finish(heard);
  }
  const auto read = read_journal(path_, binding());
  ASSERT_TRUE(read && read->finished);
  EXPECT_EQ(read->finished->segments.size(), 3U);
  EXPECT_EQ(read->finished->text, "all");
  EXPECT_EQ(read->finished->duration_s, 40.5);
}

TEST_F(JournalFile, OfNoWindowIsNotKept) {
  {
    const Journal journal(path_, binding(), std::nullopt);
  }
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_FALSE(read_journal(path_, binding()));
}

TEST_F(JournalFile, SaysWhatDiffers) {
  write();
  const auto refused = [&](const Json& now, const std::string& part) {
    test::expect_error([&] { read_journal(path_, now); }, ErrorCode::bad_format, part);
  };
  transcribe::TranscribeOptions other = options();
  other.beam_size = 5;
  refused(binding(other), "options.beam_size was 0 and is 5");
  Json longer = binding();
  longer["audio"]["bytes"] = 13;
  refused(longer, "audio.bytes was 12 and is 13");
  longer = binding();
  longer["model"] = 1;
  refused(longer, "model is new");
  test::write_file(path_, "{\"schema\": \"sotto.compare\"}\nx\n");
  refused(binding(), "another kind of file");
  test::write_file(path_, std::string("\0\xff\n\n", 4));
  refused(binding(), "another kind of file");
}

TEST_F(JournalFile, CutAnywhereGivesTheWindowsBefore) {
  write();
  const std::string whole = test::read_file(path_);
  const std::size_t header = whole.find('\n') + 1;
  const std::size_t first = whole.find('\n', header) + 1;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    test::write_file(path_, whole.substr(0, n));
    const auto read = read_journal(path_, binding());
    ASSERT_EQ(read.has_value(), n >= first) << n;
    if (read) {
      EXPECT_EQ(read->heard.checkpoint.seek_frames, kCheckpoint.seek_frames) << n;
      EXPECT_EQ(read->n_bytes, first);
    }
  }
}

TEST_F(JournalFile, DamagedIsReadUpToThereOrRefused) {
  write();
  const std::string whole = test::read_file(path_);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << (i % 8)));
    test::write_file(path_, damaged);
    try {
      const auto read = read_journal(path_, binding());
      EXPECT_LE(read ? read->n_bytes : 0, damaged.size());
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::bad_format);
    }
  }
}

TEST_F(JournalFile, IsWrittenByOneProcessAtATime) {
  const Journal journal(path_, binding(), std::nullopt);
  test::expect_error([&] { Journal(path_, binding(), std::nullopt); }, ErrorCode::io, "a.journal");
}

TEST(Identity, TellsFilesApart) {
  const test::TempDir dir;
  test::write_file(dir / "a", "abc");
  test::write_file(dir / "b", "abd");
  EXPECT_NE(content_identity(dir / "a"), content_identity(dir / "b"));
  EXPECT_EQ(content_identity(dir / "a")["bytes"], 3);
  EXPECT_EQ(file_identity(dir / "a"), file_identity(dir / "a"));
  EXPECT_EQ(file_identity(dir.path())["b"]["bytes"], 3);
  test::write_file(dir / "b", "abcd");
  EXPECT_NE(file_identity(dir / "a"), file_identity(dir / "b"));
}

}  // namespace
}  // namespace sotto::cli
