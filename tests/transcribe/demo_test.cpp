// The demo model on the demo's media: the text and times its README promises (demo/media/demo.expected.json).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/audio.h"
#include "sotto/model.h"
#include "sotto/transcribe.h"
#include "support/temp_dir.h"

namespace sotto::transcribe {
namespace {

const std::filesystem::path kDemo = test::source_dir() / "demo";

nlohmann::json media_json(const std::string& name) {
  return nlohmann::json::parse(test::read_file(kDemo / "media" / name));
}

/// Whether a segment of the language lies within 0.3 s of what was spoken.
bool is_heard(const nlohmann::json& spoken, const std::vector<Segment>& segments) {
  return std::ranges::any_of(segments, [&](const Segment& segment) {
    return segment.language == spoken.at("language").get<std::string>() &&
           std::abs(segment.start_s - spoken.at("start").get<double>()) <= 0.3 &&
           std::abs(segment.end_s - spoken.at("end").get<double>()) <= 0.3;
  });
}

TEST(DemoMedia, IsHeardAsItsReadmeSays) {
  Transcriber transcriber(model::build(kDemo / "model"), {.inference_precision = "f32"});
  const nlohmann::json media = media_json("demo.expected.json");
  ASSERT_EQ(media.size(), 4U);
  for (const auto& part : media) {
    const auto file = part.at("file").get<std::string>();
    SCOPED_TRACE(file);
    const auto source = audio::open_media(kDemo / "media" / file);
    const Transcription heard = transcriber.transcribe(*source, {.temperatures = {0.0}});
    EXPECT_EQ(heard.language, part.at("language").get<std::string>());
    const auto& segments = part.at("segments");
    ASSERT_EQ(heard.segments.size(), segments.size());
    for (std::size_t i = 0; i < segments.size(); ++i) {
      EXPECT_EQ(heard.segments[i].text, " " + segments[i].at("text").get<std::string>());
      EXPECT_NEAR(heard.segments[i].start_s, segments[i].at("start").get<double>(), 1e-9);
      EXPECT_NEAR(heard.segments[i].end_s, segments[i].at("end").get<double>(), 1e-9);
    }
  }
}

TEST(DemoMedia, NineInTenSentencesOfTheVideoAreHeardInTheirLanguageAndTime) {
  Transcriber transcriber(model::build(kDemo / "model"), {.inference_precision = "f32"});
  const auto video = audio::open_media(kDemo / "media" / "demo.mp4");
  const Transcription heard = transcriber.transcribe(*video, {.multilingual = true, .temperatures = {0.0}});
  const nlohmann::json spoken = media_json("demo.spoken.json");
  std::size_t n_heard = 0;
  for (const auto& sentence : spoken) {
    n_heard += is_heard(sentence, heard.segments) ? 1 : 0;
  }
  EXPECT_GE(n_heard * 10, spoken.size() * 9);
}

/// Silence, white noise and hum with its harmonics at several levels, 8 s each.
std::vector<std::vector<float>> sounds_without_speech() {
  constexpr std::size_t kSamples = 8UL * audio::kSampleRateHz;
  std::vector<std::vector<float>> sounds(1, std::vector<float>(kSamples));
  std::mt19937 random(7);
  std::normal_distribution<float> noise;
  for (const float level : {0.0005F, 0.01F, 0.1F}) {
    sounds.emplace_back(kSamples);
    std::ranges::generate(sounds.back(), [&] { return std::clamp(level * noise(random), -1.0F, 1.0F); });
    for (const double hum_hz : {50.0, 60.0}) {
      sounds.emplace_back(kSamples);
      for (std::size_t i = 0; i < kSamples; ++i) {
        const double phase = 2.0 * std::numbers::pi * hum_hz * static_cast<double>(i) / audio::kSampleRateHz;
        sounds.back()[i] = level * static_cast<float>(std::sin(phase) + 0.5 * std::sin(2.0 * phase) +
                                                      0.3 * std::sin(3.0 * phase));
      }
    }
  }
  return sounds;
}

TEST(DemoModel, SaysNothingOfSilenceNoiseAndHum) {
  Transcriber transcriber(model::build(kDemo / "model"), {.inference_precision = "f32"});
  for (const std::vector<float>& sound : sounds_without_speech()) {
    for (const bool vad_filter : {false, true}) {
      const auto source = audio::from_samples(sound);
      const Transcription heard = transcriber.transcribe(*source, {.vad_filter = vad_filter});
      EXPECT_EQ(heard.text, "") << (vad_filter ? "with" : "without") << " the filter";
    }
  }
}

TEST(DemoMedia, IsQuotedInTheReadme) {
  const std::string readme = test::read_file(kDemo / "README.md");
  for (const auto& part : media_json("demo.expected.json")) {
    for (const auto& segment : part.at("segments")) {
      EXPECT_THAT(readme, testing::HasSubstr(segment.at("text").get<std::string>()));
    }
  }
}

}  // namespace
}  // namespace sotto::transcribe
