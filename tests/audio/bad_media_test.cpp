// Media of every container, whole, cut, damaged and changing on the way; made here by the program ffmpeg.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/make_media.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::audio {
namespace {

namespace fs = std::filesystem;
using test::make_media;

constexpr double kToneS = 2.0;

/// A file extension and how ffmpeg encodes sound in it.
struct Container {
  const char* extension;
  const char* codec;
};

const std::vector<Container> kContainers = {
    {"wav", "pcm_s16le"},  {"aiff", "pcm_s16be"}, {"au", "pcm_s16be"}, {"caf", "pcm_s16le"}, {"flac", "flac"},
    {"mp3", "libmp3lame"}, {"ogg", "libvorbis"},  {"opus", "libopus"}, {"aac", "aac"},       {"ac3", "ac3"},
    {"m4a", "aac"},        {"mp4", "aac"},        {"mov", "alac"},     {"mkv", "libvorbis"}, {"mka", "flac"},
    {"webm", "libopus"},   {"avi", "libmp3lame"}, {"flv", "aac"},      {"ts", "aac"},        {"mpg", "mp2"},
    {"wma", "wmav2"},      {"wv", "wavpack"},     {"3gp", "aac"},
};

std::string tone(double seconds, int rate_hz = 16000, int n_channels = 1) {
  return "-f lavfi -i \"sine=frequency=440:sample_rate=" + std::to_string(rate_hz) +
         ":duration=" + std::to_string(seconds) + "\" -ac " + std::to_string(n_channels) + " ";
}

std::string file_name(const char* stem, const Container& container) {
  return std::string(stem).append(".").append(container.extension);
}

double length_s(const fs::path& path) {
  return static_cast<double>(load_audio(path).size()) / kSampleRateHz;
}

class BadMedia : public testing::Test {
 protected:
  void SetUp() override {
    if (!make_media("-version")) {
      GTEST_SKIP() << "there is no ffmpeg";
    }
  }
  /// Calls check(path, bytes) with a whole file of each container that this ffmpeg writes.
  template <typename Check>
  void each_container(const Check& check) {
    std::size_t n = 0;
    for (const Container& container : kContainers) {
      const fs::path path = dir_ / file_name("tone", container);
      if (make_media(tone(kToneS, 44100, 2) + "-c:a " + container.codec + " -strict -2 " + path.string())) {
        SCOPED_TRACE(path.filename().string());
        check(path, test::read_file(path));
        ++n;
      }
    }
    EXPECT_GT(n, 15U) << "ffmpeg wrote few containers";
  }
  /// Reads it all: samples up to the whole tone's, or one line that names the file.
  void expect_read_or_refused(const fs::path& path) {
    try {
      EXPECT_LT(length_s(path), kToneS + 0.2);
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr(path.string()));
      EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("\n")));
      EXPECT_TRUE(e.code() == ErrorCode::bad_format || e.code() == ErrorCode::unsupported) << e.what();
    }
  }
  test::TempDir dir_;
};

TEST_F(BadMedia, WholeIsHeardToItsEnd) {
  each_container([](const fs::path& path, const std::string&) { EXPECT_NEAR(length_s(path), kToneS, 0.15); });
}

TEST_F(BadMedia, CutAnywhereIsHeardToThereOrRefused) {
  each_container([&](const fs::path& path, const std::string& whole) {
    for (const std::size_t percent : {1U, 10U, 30U, 50U, 70U, 90U, 99U}) {
      test::write_file(path, whole.substr(0, whole.size() * percent / 100));
      expect_read_or_refused(path);
    }
  });
}

TEST_F(BadMedia, DamagedAnywhereIsHeardOrRefused) {
  std::uint32_t state = 3;
  const auto random = [&] { return (state = state * 1664525U + 1013904223U) >> 8U; };
  each_container([&](const fs::path& path, const std::string& whole) {
    for (int round = 0; round < 8; ++round) {
      std::string damaged = whole;
      const std::size_t begin = random() % damaged.size();
      const std::size_t n = std::min<std::size_t>(1 + random() % 2000, damaged.size() - begin);
      for (std::size_t i = begin; i < begin + n; ++i) {
        damaged[i] = static_cast<char>(random());
      }
      test::write_file(path, damaged);
      try {
        EXPECT_LT(length_s(path), 60.0);  // a damaged time or rate may stretch it
      } catch (const Error& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr(path.string()));
      }
    }
  });
}

TEST_F(BadMedia, ThatChangesRateAndChannelsMidwayIsHeardToItsEnd) {
  // Streams that follow each other in one file, as recordings that were stopped and begun again have them.
  for (const Container& container : std::vector<Container>{{"ts", "aac"},
                                                           {"ts", "mp2"},
                                                           {"aac", "aac"},
                                                           {"mp3", "libmp3lame"},
                                                           {"ogg", "flac"},
                                                           {"ac3", "ac3"}}) {
    const std::string codec = std::string("-c:a ").append(container.codec).append(" ");
    const fs::path first = dir_ / file_name("first", container);
    const fs::path second = dir_ / file_name("second", container);
    const fs::path both = dir_ / file_name("both", container);
    SCOPED_TRACE(both.filename().string() + " " + container.codec);
    ASSERT_TRUE(make_media(tone(kToneS, 44100, 2) + codec + first.string()));
    ASSERT_TRUE(make_media(tone(kToneS, 32000, 1) + codec + second.string()));
    test::write_file(both, test::read_file(first) + test::read_file(second) + test::read_file(first));
    EXPECT_NEAR(length_s(both), 3 * kToneS, 0.5);
  }
}

TEST_F(BadMedia, OfSubtitlesOrPicturesAloneSaysWhatItHolds) {
  const fs::path text = dir_ / "text.srt";
  test::write_file(text, "1\n00:00:00,000 --> 00:00:01,000\nHello.\n\n");
  const std::string film = "-f lavfi -i color=s=16x16:d=1 ";
  for (const auto& [name, arguments] : std::vector<std::pair<std::string, std::string>>{
           {"text.mkv", "-i " + text.string()},
           {"text.mp4", "-i " + text.string() + " -c:s mov_text"},
           {"both.mkv", film + "-i " + text.string() + " -map 0 -map 1 -c:v mpeg4"},
           {"film.avi", film + "-c:v mpeg4"},
           {"film.ts", film + "-c:v mpeg2video"}}) {
    const fs::path path = dir_ / name;
    ASSERT_TRUE(make_media(arguments + " " + path.string())) << name;
    test::expect_error([&] { open_media(path); }, ErrorCode::bad_format,
                       "expected an audio stream, found only");
  }
}

TEST_F(BadMedia, WhoseSoundAppearsMegabytesLateIsHeard) {
  // A transport stream of pictures alone, to which one with sound is appended: no header tells of the sound.
  const std::string film = "-f lavfi -i testsrc2=s=640x360:d=16 -c:v mpeg2video -b:v 6M ";
  ASSERT_TRUE(make_media(film + (dir_ / "film.ts").string()));
  ASSERT_TRUE(make_media("-f lavfi -i testsrc2=s=640x360:d=1 " + tone(kToneS) +
                         "-map 0 -map 1 -c:v mpeg2video -c:a mp2 " + (dir_ / "sound.ts").string()));
  const std::string pictures = test::read_file(dir_ / "film.ts");
  ASSERT_GT(pictures.size(), 6'000'000U) << "more than FFmpeg looks at to find streams";
  test::write_file(dir_ / "late.ts", pictures + test::read_file(dir_ / "sound.ts"));
  EXPECT_NEAR(length_s(dir_ / "late.ts"), kToneS, 0.15);
}

TEST_F(BadMedia, WithTimestampsThatJumpIsHeardToItsEnd) {
  for (const char* jump : {"-output_ts_offset 5000", "-output_ts_offset 90000"}) {
    ASSERT_TRUE(make_media(tone(kToneS) + "-c:a aac " + (dir_ / "part.ts").string()));
    ASSERT_TRUE(make_media(tone(kToneS) + "-c:a aac " + jump + " " + (dir_ / "later.ts").string()));
    const std::string part = test::read_file(dir_ / "part.ts");
    test::write_file(dir_ / "all.ts", part + test::read_file(dir_ / "later.ts") + part);
    EXPECT_NEAR(length_s(dir_ / "all.ts"), 3 * kToneS, 0.5) << jump;
  }
}

}  // namespace
}  // namespace sotto::audio
