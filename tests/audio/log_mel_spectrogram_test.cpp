#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "audio/test_signal.h"
#include "sotto/audio.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace sotto::audio {
namespace {

TEST(LogMelSpectrogram, IsThatOfWhisper) {
  const std::vector<float> golden = test::golden_floats("audio", "mel.f32");
  const nlohmann::json index = test::golden_json("audio", "mel.json");
  std::size_t next = 0;
  for (const auto& wanted : index["cases"]) {
    const auto n_mels = wanted["n_mels"].get<std::size_t>();
    const LogMel mel =
        log_mel_spectrogram(test_signal(wanted["n_samples"]), static_cast<int>(n_mels), wanted["padding"]);
    ASSERT_EQ(mel.n_frames, wanted["n_frames"].get<std::size_t>()) << wanted.dump();
    ASSERT_EQ(mel.values.size(), n_mels * mel.n_frames);
    float worst = 0.0F;
    for (const std::size_t frame : wanted["frames"]) {
      for (std::size_t m = 0; m < n_mels; ++m) {
        worst = std::max(worst, std::abs(mel.values[m * mel.n_frames + frame] - golden.at(next++)));
      }
    }
    EXPECT_LT(worst, 1e-4F) << wanted.dump();
  }
  EXPECT_EQ(next, golden.size());
}

TEST(LogMelSpectrogram, OfTheDemosMediaIsThatOfWhisper) {
  const std::vector<float> golden = test::golden_floats("audio", "media_mel.f32");
  const nlohmann::json index = test::golden_json("audio", "media_mel.json");
  std::size_t next = 0;
  for (const auto& wanted : index["cases"]) {
    const auto path = test::source_dir() / "demo" / "media" / wanted["file"].get<std::string>();
    ASSERT_EQ(std::filesystem::file_size(path), wanted["size_bytes"].get<std::size_t>())
        << path << " has changed: run tests/golden/audio/make.py again";
    const LogMel mel = log_mel_spectrogram(load_audio(path), 80, kWindowSamples);
    ASSERT_EQ(mel.n_frames, wanted["n_frames"].get<std::size_t>()) << path;
    float worst = 0.0F;
    for (const std::size_t frame : wanted["frames"]) {
      for (std::size_t m = 0; m < 80; ++m) {
        worst = std::max(worst, std::abs(mel.values[m * mel.n_frames + frame] - golden.at(next++)));
      }
    }
    EXPECT_LT(worst, 1e-4F) << path;
  }
}

TEST(LogMelSpectrogram, OfLessThanAFrameIsPaddedToOneReflection) {
  EXPECT_EQ(log_mel_spectrogram({}, 80).n_frames, 0U);
  EXPECT_EQ(log_mel_spectrogram(test_signal(159), 80).n_frames, 0U);
  std::vector<float> samples = test_signal(160);
  const LogMel one = log_mel_spectrogram(samples, 80);
  EXPECT_EQ(one.n_frames, 1U);
  samples.resize(201, 0.0F);
  EXPECT_EQ(log_mel_spectrogram(samples, 80).values, one.values);
}

TEST(LogMelSpectrogram, OfSilenceIsTheFloorOfTheLogarithm) {
  for (const float value : log_mel_spectrogram(std::vector<float>(16000, 0.0F), 128).values) {
    EXPECT_NEAR(value, -1.5F, 1e-6F);
  }
}

TEST(LogMelSpectrogram, NamesTheSampleThatIsNotFinite) {
  std::vector<float> samples(16000, 0.0F);
  samples[8000] = std::numeric_limits<float>::quiet_NaN();
  test::expect_error([&] { log_mel_spectrogram(samples, 80); }, ErrorCode::bad_format,
                     "found nan at 0.500 s");
}

TEST(LogMelSpectrogram, RefusesOtherNumbersOfMels) {
  test::expect_error([] { log_mel_spectrogram({}, 81); }, ErrorCode::invalid_argument, "80 or 128");
}

TEST(PadOrTrim, CutsOrFillsInTheMelDomain) {
  const LogMel mel{2, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(pad_or_trim(mel, 2).values, (std::vector<float>{1, 2, 4, 5}));
  EXPECT_EQ(pad_or_trim(mel, 4, -1.0F).values, (std::vector<float>{1, 2, 3, -1, 4, 5, 6, -1}));
}

}  // namespace
}  // namespace sotto::audio
