#include "audio/speech_detector.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <numbers>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/temp_dir.h"

namespace sotto::audio {
namespace {

/// Share of the first `seconds` in which speech is likelier than not.
double share_of_speech(std::vector<float> samples, int n_mels = 80) {
  samples.resize(std::min<std::size_t>(samples.size(), kWindowSamples));
  const LogMel mel = log_mel_spectrogram(samples, n_mels);
  const std::vector<float> probabilities = speech_probabilities(mel, mel.n_frames);
  EXPECT_EQ(probabilities.size(), mel.n_frames / 2);
  const auto n = std::count_if(probabilities.begin(), probabilities.end(), [](float p) { return p > 0.5F; });
  return static_cast<double>(n) / static_cast<double>(probabilities.size());
}

std::vector<float> spoken(const char* name) {
  return load_audio(test::source_dir() / "demo" / "media" / name);
}

std::vector<float> noise(float level) {
  std::vector<float> samples(10UL * kSampleRateHz);
  std::uint32_t state = 1;
  for (float& sample : samples) {
    state = state * 1664525U + 1013904223U;
    sample = level * (static_cast<float>(state >> 8U) / 8388608.0F - 1.0F);
  }
  return samples;
}

std::vector<float> tone(double frequency_hz, double level) {
  std::vector<float> samples(10UL * kSampleRateHz);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2.0 * std::numbers::pi * frequency_hz * static_cast<double>(i) / kSampleRateHz;
    samples[i] = static_cast<float>(level * (std::sin(phase) + 0.3 * std::sin(3 * phase)));
  }
  return samples;
}

TEST(SpeechProbabilities, FindsSpeechWithEitherNumberOfBands) {
  for (const char* name : {"en.flac", "de.flac", "es.flac", "fr.flac"}) {
    EXPECT_GT(share_of_speech(spoken(name)), 0.4) << name;
    EXPECT_GT(share_of_speech(spoken(name), 128), 0.4) << name;
  }
}

TEST(SpeechProbabilities, FindsQuietSpeech) {
  std::vector<float> samples = spoken("en.flac");
  const double loud = share_of_speech(samples);
  std::transform(samples.begin(), samples.end(), samples.begin(), [](float x) { return 0.05F * x; });
  EXPECT_GT(share_of_speech(samples), 0.7 * loud);
}

TEST(SpeechProbabilities, FindsNoneInSilenceNoiseAndHum) {
  EXPECT_EQ(share_of_speech(std::vector<float>(10UL * kSampleRateHz)), 0.0);
  EXPECT_LT(share_of_speech(noise(0.5F)), 0.15);  // of loud noise a little is taken for speech
  EXPECT_LT(share_of_speech(noise(0.001F)), 0.15);
  for (const double frequency_hz : {50.0, 60.0, 440.0, 3000.0}) {
    EXPECT_LT(share_of_speech(tone(frequency_hz, 0.3)), 0.02) << frequency_hz;
  }
}

/// Shares of frames above a threshold, of 20 ms each: of those that are surely speech, and surely none.
struct Found {
  double of_speech = 0.0;
  double of_pauses = 0.0;
};

Found found_above(float threshold, std::span<const float> probabilities, const nlohmann::json& spoken) {
  std::size_t n[2] = {0, 0};
  std::size_t n_above[2] = {0, 0};
  for (std::size_t frame = 0; frame < probabilities.size(); ++frame) {
    const double time_s = (static_cast<double>(frame) + 0.5) / 50.0;
    const auto is_in = [&](double margin_s) {
      return std::ranges::any_of(spoken, [&](const nlohmann::json& one) {
        return time_s > one.at("start").get<double>() - margin_s &&
               time_s < one.at("end").get<double>() + margin_s;
      });
    };
    if (is_in(-0.1) || !is_in(0.1)) {
      const std::size_t kind = is_in(-0.1) ? 0 : 1;
      ++n[kind];
      n_above[kind] += probabilities[frame] > threshold ? 1 : 0;
    }
  }
  return {static_cast<double>(n_above[0]) / static_cast<double>(n[0]),
          static_cast<double>(n_above[1]) / static_cast<double>(n[1])};
}

TEST(SpeechProbabilities, AgreeWithWhatWasSpokenAtEveryThreshold) {
  std::vector<float> samples = spoken("demo.flac");
  samples.resize(kWindowSamples);
  const LogMel mel = log_mel_spectrogram(samples, 80);
  const std::vector<float> probabilities = speech_probabilities(mel, mel.n_frames);
  std::ifstream file(test::source_dir() / "demo/media/demo.spoken.json");
  const auto expected = nlohmann::json::parse(file);
  Found before{1.0, 1.0};
  for (const float threshold : {0.2F, 0.35F, 0.5F, 0.65F, 0.8F}) {
    const Found found = found_above(threshold, probabilities, expected);
    EXPECT_GT(found.of_speech, 0.99) << threshold;
    EXPECT_LT(found.of_pauses, 0.01) << threshold;
    EXPECT_LE(found.of_speech, before.of_speech);
    EXPECT_LE(found.of_pauses, before.of_pauses);
    before = found;
  }
}

TEST(SpeechProbabilities, OfNothingAreNone) {
  EXPECT_TRUE(speech_probabilities(LogMel{80, 3000, std::vector<float>(80UL * 3000)}, 1).empty());
}

}  // namespace
}  // namespace sotto::audio
