#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/archive_reader.h"
#include "evaluate/tar.h"
#include "hub/fake_hub.h"
#include "sotto/audio.h"
#include "sotto/data_set.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::evaluate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A quarter of a second of noise, which does not compress; the seed makes it another one.
std::string sound(unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<float> samples(4000);
  for (float& sample : samples) {
    sample = static_cast<float>(random() % 2000) / 10000.0F - 0.1F;
  }
  return audio::encode_small(samples).bytes;
}

std::vector<test::TarMember> two_chapters() {
  return {{"LibriSpeech/README.TXT", "read me"},
          {"LibriSpeech/dev/1/2/1-2-0001.mp3", sound(1)},
          {"LibriSpeech/dev/1/2/1-2.trans.txt", "1-2-0000 FIRST WORDS\n1-2-0001 SECOND WORDS\n"},
          {"LibriSpeech/dev/1/2/1-2-0000.mp3", sound(2)},
          {"LibriSpeech/dev/3/4/3-4.trans.txt", "3-4-0000 THIRD\n"},
          {"LibriSpeech/dev/3/4/3-4-0000.mp3", sound(3)}};
}

DataOptions choose(std::size_t take, std::size_t skip = 0) {
  DataOptions options;
  options.take = take;
  options.skip = skip;
  return options;
}

DataOptions shuffled(std::uint64_t seed) {
  DataOptions options;
  options.shuffle = true;
  options.seed = seed;
  return options;
}

std::vector<std::string> ids_of(SpeechStream& speech) {
  std::vector<std::string> ids;
  while (const auto next = speech.next()) {
    ids.push_back(next->id);
    EXPECT_GT(next->samples.size(), 1000U);
  }
  return ids;
}

std::filesystem::path write_archive(const ::sotto::test::TempDir& dir, const std::string& bytes) {
  ::sotto::test::write_file(dir / "speech.tar.gz", bytes);
  return dir / "speech.tar.gz";
}

TEST(OpenSpeech, BringsSoundAndWordsOfAnArchiveTogetherWhicheverComesFirst) {
  const ::sotto::test::TempDir dir;
  const auto archive = write_archive(dir, test::gzip(test::make_tar(two_chapters())));
  const auto speech = open_speech(archive.string(), {});
  const auto first = speech->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, "1-2-0001");
  EXPECT_EQ(first->text, "SECOND WORDS");
  EXPECT_EQ(first->source_rate_hz, 16000);
  EXPECT_THAT(ids_of(*speech), ElementsAre("1-2-0000", "3-4-0000"));
  // README.TXT is no transcript of a recording.
  EXPECT_TRUE(speech->skipped().empty()) << speech->skipped().front();
}

TEST(OpenSpeech, TakesAndSkipsOfAnArchive) {
  const ::sotto::test::TempDir dir;
  const std::string archive = write_archive(dir, test::make_tar(two_chapters())).string();
  EXPECT_THAT(ids_of(*open_speech(archive, choose(1))), ElementsAre("1-2-0001"));
  EXPECT_THAT(ids_of(*open_speech(archive, choose(1, 1))), ElementsAre("1-2-0000"));
  EXPECT_THAT(ids_of(*open_speech(archive, choose(0, 9))), ElementsAre());
  const auto mixed = ids_of(*open_speech(archive, shuffled(5)));
  EXPECT_THAT(mixed, testing::UnorderedElementsAre("1-2-0001", "1-2-0000", "3-4-0000"));
  EXPECT_EQ(mixed, ids_of(*open_speech(archive, shuffled(5))));
}

TEST(OpenSpeech, NotesWhatHasNoPartnerAndMembersThatLeadOut) {
  const ::sotto::test::TempDir dir;
  auto members = two_chapters();
  members.push_back({"../x.mp3", sound(4)});
  members.push_back({"/etc/y.mp3", sound(5)});
  members.push_back({"LibriSpeech/dev/3/4/3-4-0009.mp3", sound(6)});
  members.push_back({"other/3-4.trans.txt", "3-4-0000 AGAIN\n3-4-0011 NO SOUND\n"});
  members.push_back({"other/3-4-0000.mp3", sound(7)});
  members.push_back({"other/broken.mp3", "this is no sound"});
  members.push_back({"other/broken.txt", "words\n"});
  const auto speech = open_speech(write_archive(dir, test::make_tar(members)).string(), {});
  EXPECT_EQ(ids_of(*speech).size(), 3U);
  EXPECT_THAT(
      speech->skipped(),
      testing::UnorderedElementsAre(
          HasSubstr("leads out of the archive: \"../x.mp3\""), HasSubstr("\"/etc/y.mp3\""),
          HasSubstr("3-4-0009: audio without a transcript"), HasSubstr("id 3-4-0000 was met before"),
          HasSubstr("3-4-0011: transcript without audio"), HasSubstr("broken: expected audio or video")));
  EXPECT_FALSE(std::filesystem::exists(dir.path().parent_path() / "x.mp3"));
}

TEST(OpenSpeech, GivesWhatComesBeforeACutAndThenSaysSo) {
  const ::sotto::test::TempDir dir;
  auto members = two_chapters();
  const std::string whole = test::make_tar(members);
  members.pop_back();
  const std::size_t in_the_last = test::make_tar(members).size() - 1024 + 512 + 100;
  const auto speech = open_speech(write_archive(dir, whole.substr(0, in_the_last)).string(), {});
  EXPECT_EQ(speech->next()->id, "1-2-0001");
  EXPECT_EQ(speech->next()->id, "1-2-0000");
  ::sotto::test::expect_error([&] { speech->next(); }, ErrorCode::bad_format, "a whole tar archive");
}

TEST(OpenSpeech, RefusesWhatIsNoArchive) {
  const ::sotto::test::TempDir dir;
  const std::string archive = write_archive(dir, "this is text, and nothing else").string();
  ::sotto::test::expect_error([&] { open_speech(archive, {})->next(); }, ErrorCode::bad_format,
                              "tar archive");
}

TEST(OpenSpeech, SurvivesDamagedArchives) {
  const ::sotto::test::TempDir dir;
  std::string tar = test::make_tar({{"a/b.mp3", sound()}, {"a/b.txt", "words"}});
  for (std::size_t at = 0; at < 512; at += 3) {
    std::string damaged = tar;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    try {
      ids_of(*open_speech(write_archive(dir, damaged).string(), {}));
    } catch (const Error&) {  // refused is as good as skipped; no crash is what counts
    }
  }
  for (std::size_t size = 0; size < tar.size(); size += 97) {
    try {
      ids_of(*open_speech(write_archive(dir, tar.substr(0, size)).string(), {}));
    } catch (const Error&) {
    }
  }
}

TEST(IsTamePath, RefusesWhatLeadsOut) {
  for (const char* path : {"a", "a/b.flac", "./a", "a/..b", "..a/b", "a//b"}) {
    EXPECT_TRUE(is_tame_path(path)) << path;
  }
  for (const char* path : {"", "/a", "..", "../a", "a/../../b", "a/.."}) {
    EXPECT_FALSE(is_tame_path(path)) << path;
  }
}

// Over http

class OpenSpeechUrl : public testing::Test {
 protected:
  std::string url() const { return server_.url() + "/speech.tar.gz"; }
  DataOptions options(std::size_t take = 0) {
    DataOptions options;
    options.take = take;
    options.network.backoff_s = 0.01;
    options.network.endpoint = server_.url();
    return options;
  }
  static constexpr const char* kLine = "GET /speech.tar.gz";
  ::sotto::test::FakeHub server_;
  std::string archive_ = test::gzip(test::make_tar(two_chapters()));
};

TEST_F(OpenSpeechUrl, ReadsAnArchiveAsItArrives) {
  server_.answer_next(kLine, [this](const auto& wire, const auto&) { wire.reply(200, "", archive_); });
  EXPECT_EQ(ids_of(*open_speech(url(), options())).size(), 3U);
}

TEST_F(OpenSpeechUrl, GoesOnAfterACutWhereItEnded) {
  const std::size_t half = archive_.size() / 2;
  server_.answer_next(kLine, [&](const auto& wire, const auto&) {
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(archive_.size()) + "\r\n\r\n" +
              archive_.substr(0, half));
  });
  server_.answer_next(kLine, [&](const auto& wire, const auto& request) {
    EXPECT_EQ(request.header("range"), "bytes=" + std::to_string(half) + "-");
    wire.reply(206, "", archive_.substr(half));
  });
  EXPECT_EQ(ids_of(*open_speech(url(), options())).size(), 3U);
}

TEST_F(OpenSpeechUrl, PassesOverTheBeginningWhereTheServerKnowsNoRanges) {
  server_.answer_next(kLine, [&](const auto& wire, const auto&) {
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(archive_.size()) + "\r\n\r\n" +
              archive_.substr(0, archive_.size() / 3));
  });
  server_.answer_next(kLine, [&](const auto& wire, const auto&) { wire.reply(200, "", archive_); });
  EXPECT_EQ(ids_of(*open_speech(url(), options())).size(), 3U);
}

TEST_F(OpenSpeechUrl, StopsTheDownloadOnceItHasWhatItTakes) {
  // After the first chapters the server sends noise without end, until the other side goes away.
  std::atomic<std::size_t> n_sent = 0;
  std::atomic<bool> gone = false;
  const std::string tar = test::make_tar(two_chapters());
  server_.answer_next(kLine, [&](const auto& wire, const auto&) {
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n" + tar.substr(0, tar.size() - 1024));
    const std::string more = test::make_tar({{"noise.bin", std::string(1U << 20U, 'x')}});
    while (n_sent < 200 && wire.send(more.substr(0, more.size() - 1024))) {
      ++n_sent;
    }
    gone = n_sent < 200;
  });
  {
    const auto speech = open_speech(url(), options(2));
    EXPECT_EQ(ids_of(*speech).size(), 2U);
  }
  for (int i = 0; i < 500 && !gone; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

TEST_F(OpenSpeechUrl, SaysWhatTheServerAnswered) {
  server_.answer_always(kLine, [](const auto& wire, const auto&) { wire.reply(404, ""); });
  ::sotto::test::expect_error([&] { open_speech(url(), options())->next(); }, ErrorCode::not_found,
                              "status 404");
  server_.answer_always(kLine, [](const auto& wire, const auto&) { wire.reply(403, ""); });
  ::sotto::test::expect_error([&] { open_speech(url(), options())->next(); }, ErrorCode::network,
                              "status 403");
}

TEST_F(OpenSpeechUrl, GivesUpAfterToldTries) {
  server_.answer_always(kLine, [](const auto& wire, const auto&) { wire.reply(503, ""); });
  DataOptions few = options();
  few.network.retries = 2;
  ::sotto::test::expect_error([&] { open_speech(url(), few)->next(); }, ErrorCode::network,
                              "gave up after 3");
}

}  // namespace
}  // namespace sotto::evaluate
