#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sotto/audio.h"
#include "sotto/listen.h"
#include "sotto/text.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::transcribe {
namespace {

constexpr std::size_t kStep = audio::kSampleRateHz / 4;

Transcriber& demo() {
  static Transcriber transcriber(model::build(test::source_dir() / "demo" / "model"),
                                 {.inference_precision = "f32"});
  return transcriber;
}

std::vector<float> speech() {
  static const std::vector<float> samples =
      audio::load_audio(test::source_dir() / "demo" / "media" / "en.flac");
  return samples;
}

TranscribeOptions english() {
  TranscribeOptions options = live_options();
  options.language = "en";
  options.temperatures = {0.0};
  return options;
}

/// What a listener tells of samples that come a quarter of a second at a time.
struct Heard {
  std::vector<Segment> finals;
  std::vector<double> told_s;  ///< how much sound had come when each of them was told
  std::size_t n_partials = 0;
  std::string last_partial;
  Transcription all;
};

Heard listen_to(const std::vector<float>& samples,
                const TranscribeOptions& options,
                double partial_interval_s) {
  Heard heard;
  std::size_t n_added = 0;
  const LiveEvents events{.on_partial =
                              [&](const std::vector<Segment>& seems) {
                                ++heard.n_partials;
                                heard.last_partial = seems.empty() ? "" : seems.front().text;
                              },
                          .on_final =
                              [&](const Segment& segment) {
                                heard.finals.push_back(segment);
                                heard.told_s.push_back(static_cast<double>(n_added) / audio::kSampleRateHz);
                              }};
  Listener listener(demo(), options, {.partial_interval_s = partial_interval_s}, events);
  const std::span<const float> all(samples);
  while (n_added < samples.size()) {
    const std::span<const float> step = all.subspan(n_added, std::min(kStep, samples.size() - n_added));
    n_added += step.size();
    listener.add(step);
  }
  heard.all = listener.finish();
  return heard;
}

TEST(Listener, HearsWhatATranscriptionHears) {
  const Heard heard = listen_to(speech(), english(), 0.0);
  const auto source = audio::from_samples(speech());
  TranscribeOptions options = english();
  options.vad_filter = false;
  const Transcription whole = demo().transcribe(*source, options);
  const text::ErrorCounts errors = text::word_errors(whole.text, heard.all.text);
  EXPECT_LT(errors.substitutions + errors.deletions + errors.insertions, 8U) << heard.all.text;
  EXPECT_EQ(heard.n_partials, 0U);
  EXPECT_EQ(heard.all.segments.size(), heard.finals.size());
  EXPECT_NEAR(heard.all.duration_s, static_cast<double>(speech().size()) / audio::kSampleRateHz, 1e-9);
  for (std::size_t i = 1; i < heard.finals.size(); ++i) {
    EXPECT_EQ(heard.finals[i].id, static_cast<int>(i));
    EXPECT_GE(heard.finals[i].start_s, heard.finals[i - 1].end_s - 0.1);
  }
}

TEST(Listener, IsFinalWithinTheBoundItStates) {
  TranscribeOptions options = english();
  options.vad_max_speech_duration_s = 5.0;
  const Heard heard = listen_to(speech(), options, 0.0);
  ASSERT_GT(heard.finals.size(), 4U);
  for (std::size_t i = 0; i < heard.finals.size(); ++i) {
    EXPECT_LE(heard.told_s[i] - heard.finals[i].start_s, 5.0 + 0.25 + 1e-6) << heard.finals[i].text;
  }
}

TEST(Listener, TellsPartialTextOfAnUtteranceThatGoesOn) {
  std::vector<float> start = speech();
  start.resize(5UL * audio::kSampleRateHz);
  TranscribeOptions options = english();
  options.vad_min_silence_duration_ms = 3000;  // no pause ends it
  const Heard heard = listen_to(start, options, 1.0);
  EXPECT_GE(heard.n_partials, 3U);
  EXPECT_THAT(heard.last_partial, testing::HasSubstr("The number is"));
}

TEST(Listener, SaysNothingOfSilenceAndNoise) {
  std::vector<float> samples(20UL * audio::kSampleRateHz);
  std::uint32_t state = 1;
  for (std::size_t i = samples.size() / 2; i < samples.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    samples[i] = 0.01F * (static_cast<float>(state >> 8U) / 8388608.0F - 1.0F);
  }
  const Heard heard = listen_to(samples, english(), 1.0);
  EXPECT_EQ(heard.all.text, "");
  EXPECT_EQ(heard.n_partials, 0U);
  EXPECT_NEAR(heard.all.duration_s, 20.0, 1e-9);
}

TEST(Listener, HearsTheLanguageUnlessItIsTold) {
  TranscribeOptions options = english();
  options.language = kAutoLanguage;
  const auto german = audio::load_audio(test::source_dir() / "demo" / "media" / "de.flac");
  EXPECT_EQ(listen_to(german, options, 0.0).all.language, "de");
}

TEST(Listener, RefusesOptionsOutOfRange) {
  TranscribeOptions options = english();
  options.vad_max_speech_duration_s = 31.0;
  test::expect_error([&] { Listener(demo(), options, {}, {}); }, ErrorCode::invalid_argument,
                     "vad_max_speech_duration_s");
}

}  // namespace
}  // namespace sotto::transcribe
