#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "sotto/audio.h"
#include "support/temp_dir.h"

namespace sotto::audio {
namespace {

std::vector<float> tone(std::size_t n) {
  std::vector<float> samples(n);
  for (std::size_t i = 0; i < n; ++i) {
    samples[i] =
        0.25F *
        static_cast<float>(std::sin(2.0 * std::numbers::pi * 440.0 * static_cast<double>(i) / kSampleRateHz));
  }
  return samples;
}

double energy(std::span<const float> samples) {
  double sum = 0.0;
  for (const float sample : samples) {
    sum += static_cast<double>(sample) * sample;
  }
  return sum;
}

TEST(EncodeSmall, GivesASmallFileThatSoundsTheSame) {
  const test::TempDir dir;
  const std::vector<float> samples = tone(2 * kSampleRateHz);
  const EncodedAudio encoded = encode_small(samples);
  test::write_file(dir / "tone", encoded.bytes);
  const std::vector<float> decoded = load_audio(dir / "tone");
  // MP3 pads its ends; 0.1 s is more than it does.
  EXPECT_NEAR(static_cast<double>(decoded.size()), static_cast<double>(samples.size()), 1600.0);
  EXPECT_NEAR(energy(decoded) / energy(samples), 1.0, 0.1);
  if (encoded.media_type == "audio/mpeg") {
    EXPECT_LT(encoded.bytes.size(), 8000U);  // 24 kbit/s
  } else {
    EXPECT_EQ(encoded.media_type, "audio/wav");
  }
}

TEST(EncodeSmall, TakesNoSamplesAndOnesOutOfRange) {
  EXPECT_FALSE(encode_small({}).bytes.empty());
  EXPECT_FALSE(encode_small(std::vector<float>(100, 7.0F)).bytes.empty());
}

}  // namespace
}  // namespace sotto::audio
