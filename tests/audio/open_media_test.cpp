#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "audio/make_media.h"
#include "sotto/audio.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace sotto::audio {
namespace {

namespace fs = std::filesystem;
using test::make_media;

fs::path fixture(const std::string& name) {
  return test::golden_dir("audio") / name;
}

/// A RIFF/WAVE file around `data`.
std::string wav(const std::string& data,
                std::uint16_t format_tag,
                std::uint16_t bits,
                std::uint32_t claimed_bytes) {
  std::string bytes;
  const auto put = [&](auto value) {
    bytes.append(reinterpret_cast<const char*>(&value),
                 sizeof(value));  // little-endian machines only, as x86
  };
  const auto block = static_cast<std::uint16_t>(bits / 8);
  bytes += "RIFF";
  put(static_cast<std::uint32_t>(36 + claimed_bytes));
  bytes += "WAVEfmt ";
  put(std::uint32_t{16});
  put(format_tag);
  put(std::uint16_t{1});  // mono
  put(std::uint32_t{16000});
  put(static_cast<std::uint32_t>(16000 * block));
  put(block);
  put(bits);
  bytes += "data";
  put(claimed_bytes);
  return bytes + data;
}

std::string pcm16(std::size_t n) {
  std::string data;
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = static_cast<std::int16_t>(i % 1000);
    data.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return data;
}

std::string float_bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// All samples before the error that `part` is expected to be in.
std::vector<float> read_until_error(AudioSource& source, const std::string& part) {
  std::vector<float> samples(200000);
  const std::size_t n = source.read(samples);
  samples.resize(n);
  std::vector<float> more(1);
  test::expect_error([&] { source.read(more); }, ErrorCode::bad_format, part);
  test::expect_error([&] { source.read(more); }, ErrorCode::bad_format, part);
  return samples;
}

TEST(LoadAudio, DecodesWhatWhispersFfmpegDoes) {
  const nlohmann::json goldens = test::golden_json("audio", "decoded.json");
  for (const auto& [name, golden] : goldens.items()) {
    const std::vector<float> samples = load_audio(fixture(name));
    ASSERT_EQ(samples.size(), golden["n_samples"].get<std::size_t>()) << name;
    const std::vector<int> expected = golden["every_23rd"];
    int worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<int>(samples[i * 23] * 32768.0F) - expected[i]));
    }
    EXPECT_LE(worst, 2) << name;  // decoders round differently on other processors
  }
}

TEST(OpenMedia, GivesTheSameInAnyPieces) {
  const std::vector<float> whole = load_audio(fixture("tone.mp3"));
  const auto source = open_media(fixture("tone.mp3"));
  std::vector<float> pieces;
  std::vector<float> piece(37);
  while (const std::size_t n = source->read(piece)) {
    pieces.insert(pieces.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(n));
  }
  EXPECT_EQ(pieces, whole);
  EXPECT_EQ(source->read(piece), 0U);
  ASSERT_TRUE(source->rewind());
  pieces.assign(whole.size(), 0.0F);
  EXPECT_EQ(source->read(pieces), whole.size());
  EXPECT_EQ(pieces, whole);
  EXPECT_NEAR(source->duration_s().value(), 0.3, 0.1);
}

TEST(OpenMedia, FollowsAChangeOfRateAndChannels) {
  const test::TempDir dir;
  const std::string stereo_22k = test::read_file(fixture("tone.mp3"));
  const std::string mono_44k = test::read_file(fixture("tone_44k.mp3"));
  test::write_file(dir / "mixed.mp3", stereo_22k + mono_44k + stereo_22k);
  const double length_s = static_cast<double>(load_audio(dir / "mixed.mp3").size()) / kSampleRateHz;
  EXPECT_NEAR(length_s, 0.9, 0.25);  // encoder delay is known for the first part only
}

TEST(OpenMedia, ReadsAPipeOnce) {
  const test::TempDir dir;
  const fs::path pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::jthread writer([&] { test::write_file(pipe, test::read_file(fixture("tone.flac"))); });
  const auto source = open_media(pipe);
  std::vector<float> samples(10000);
  EXPECT_EQ(source->read(samples), 4800U);
  EXPECT_EQ(source->read(samples), 0U);
  EXPECT_FALSE(source->rewind());
}

TEST(OpenMedia, OfNoSamplesIsEmpty) {
  const test::TempDir dir;
  test::write_file(dir / "empty.wav", wav("", 1, 16, 0));
  EXPECT_TRUE(load_audio(dir / "empty.wav").empty());
}

TEST(OpenMedia, ReadsAPipedWavOfUnknownLength) {
  const test::TempDir dir;
  for (const std::uint32_t claimed : {0xffffffffU, 0x7fffffffU, 0x7ffff000U}) {
    test::write_file(dir / "piped.wav", wav(pcm16(1600), 1, 16, claimed));
    EXPECT_EQ(load_audio(dir / "piped.wav").size(), 1600U) << claimed;
  }
}

TEST(OpenMedia, DeliversWhatACutFileHoldsThenSaysWhereItEnds) {
  const test::TempDir dir;
  const std::string flac = test::read_file(fixture("tone.flac"));
  test::write_file(dir / "cut.flac", flac.substr(0, flac.size() * 9 / 10));
  auto source = open_media(dir / "cut.flac");
  const std::size_t n = read_until_error(*source, "ends early at").size();
  EXPECT_GT(n, 1000U);
  EXPECT_LT(n, 4500U);
  test::expect_error([&] { load_audio(dir / "cut.flac"); }, ErrorCode::bad_format, "its header says 0.30 s");
}

TEST(OpenMedia, NamesTheTimeOfASampleThatIsNotFinite) {
  const test::TempDir dir;
  std::vector<float> values(32000, 0.25F);
  values[24000] = std::numeric_limits<float>::quiet_NaN();
  const std::string data = float_bytes(values);
  test::write_file(dir / "nan.wav", wav(data, 3, 32, static_cast<std::uint32_t>(data.size())));
  const auto source = open_media(dir / "nan.wav");
  const std::vector<float> before = read_until_error(*source, "found NaN or infinity at 1.500 s");
  EXPECT_GE(before.size(), 16000U);
}

TEST(OpenMedia, RefusesWhatIsNotMedia) {
  const test::TempDir dir;
  test::expect_error([&] { open_media(dir / "none.wav"); }, ErrorCode::not_found, "found nothing");
  test::expect_error([&] { open_media(dir.path()); }, ErrorCode::bad_format, "found a directory");
  test::write_file(dir / "text.mp4", "This is not a film, only a few words about one.\n");
  test::expect_error([&] { open_media(dir / "text.mp4"); }, ErrorCode::bad_format,
                     "expected audio or video, found");
  test::write_file(dir / "zero.mp3", "");
  test::expect_error([&] { open_media(dir / "zero.mp3"); }, ErrorCode::bad_format, "an empty file");
  test::expect_error([] { open_media(fixture("silent_film.mp4")); }, ErrorCode::bad_format,
                     "expected an audio stream, found only video (h264)");
  test::expect_error([] { open_media("http://localhost/a.wav"); }, ErrorCode::not_found,
                     "http://localhost/a.wav");
}

TEST(OpenMedia, RefusesSubtitlesAlone) {
  const test::TempDir dir;
  test::write_file(dir / "a.srt", "1\n00:00:00,000 --> 00:00:01,000\nHello.\n\n");
  test::write_file(dir / "a.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n");
  for (const char* name : {"a.srt", "a.vtt"}) {
    test::expect_error([&] { open_media(dir / name); }, ErrorCode::bad_format, name);
  }
}

TEST(OpenMedia, HearsAudioThatBeginsLate) {
  const test::TempDir dir;
  const std::string late = (dir / "late.mkv").string();
  if (!make_media("-f lavfi -i color=s=16x16:d=2 -itsoffset 1 -i " + fixture("tone.wav").string() +
                  " -map 0:v -map 1:a -c:v mpeg4 -c:a pcm_s16le " + late)) {
    GTEST_SKIP() << "there is no ffmpeg";
  }
  EXPECT_GE(load_audio(late).size(), load_audio(fixture("tone.wav")).size());
}

TEST(OpenMedia, HearsAllWhereTimestampsJump) {
  const test::TempDir dir;
  const std::string tone = fixture("tone.wav").string();
  const std::string part = (dir / "part.ts").string();
  const std::string later = (dir / "later.ts").string();
  if (!make_media("-i " + tone + " -c:a mp2 " + part) ||
      !make_media("-i " + tone + " -c:a mp2 -output_ts_offset 5000 " + later)) {
    GTEST_SKIP() << "there is no ffmpeg";
  }
  // Forwards over an hour and back again, as recordings of broadcasts do.
  test::write_file(dir / "all.ts", test::read_file(part) + test::read_file(later) + test::read_file(part));
  const auto one = static_cast<double>(load_audio(part).size());
  EXPECT_NEAR(static_cast<double>(load_audio(dir / "all.ts").size()), 3 * one, one / 4);
}

TEST(OpenMedia, OpensNothingButTheFileItself) {
  const test::TempDir dir;
  fs::copy(fixture("tone.wav"), dir / "tone.wav");
  const std::string hls = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ntone.wav\n#EXT-X-ENDLIST\n";
  test::write_file(dir / "list.m3u8", hls);
  test::write_file(dir / "list.mp3", hls);
  test::write_file(dir / "list.ffconcat", "ffconcat version 1.0\nfile tone.wav\n");
  test::write_file(dir / "list.txt", "ffconcat version 1.0\nfile tone.wav\n");
  test::write_file(dir / "session.sdp",
                   "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n");
  for (const char* name : {"list.m3u8", "list.mp3", "list.ffconcat", "list.txt", "session.sdp"}) {
    test::expect_error([&] { open_media(dir / name); }, ErrorCode::bad_format, "found a playlist");
  }
}

/// Each prefix opens and reads, or is one sotto::Error; anything else (another exception, a crash under
/// the sanitizers) fails.
TEST(OpenMedia, SurvivesEveryPrefixOfEachFormat) {
  const test::TempDir dir;
  for (const char* name : {"tone.wav", "tone.flac", "tone.mp3", "tone.ogg", "tone.mp4", "tone.mka"}) {
    const std::string whole = test::read_file(fixture(name));
    const fs::path path = dir / name;
    for (std::size_t n = 0; n < whole.size(); n += n < 128 ? 1 : 149) {
      test::write_file(path, whole.substr(0, n));
      try {
        EXPECT_LE(load_audio(path).size(), 6000U) << name << " " << n;
      } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find(path.string()), std::string::npos) << e.what();
      }
    }
  }
}

TEST(OpenMedia, SurvivesDamagedBytes) {
  const test::TempDir dir;
  std::uint32_t state = 1;
  for (const char* name : {"tone.wav", "tone.flac", "tone.mp3", "tone.ogg", "tone.mp4", "tone.mka"}) {
    const std::string whole = test::read_file(fixture(name));
    for (int round = 0; round < 60; ++round) {
      std::string damaged = whole;
      for (int i = 0; i < 8; ++i) {
        state = state * 1664525U + 1013904223U;
        damaged[(state >> 8) % (i % 2 == 0 ? 200 : damaged.size())] = static_cast<char>(state >> 3);
      }
      test::write_file(dir / name, damaged);
      try {
        load_audio(dir / name);
      } catch (const Error& e) {
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      }
    }
  }
}

TEST(FromSamples, ReadsRewindsAndRefusesNan) {
  const auto source = from_samples({0.1F, 0.2F, 0.3F});
  std::vector<float> two(2);
  EXPECT_EQ(source->read(two), 2U);
  EXPECT_EQ(source->read(two), 1U);
  EXPECT_EQ(two[0], 0.3F);
  EXPECT_EQ(source->read(two), 0U);
  EXPECT_TRUE(source->rewind());
  EXPECT_EQ(source->read(two), 2U);
  EXPECT_EQ(two[0], 0.1F);
  test::expect_error([] { from_samples({0.0F, std::numeric_limits<float>::infinity()}); },
                     ErrorCode::bad_format, "found inf at 0.000 s");
}

}  // namespace
}  // namespace sotto::audio
