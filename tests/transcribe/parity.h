#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/audio.h"
#include "sotto/transcribe.h"
#include "support/temp_dir.h"
#include "transcribe/golden_rules.h"

namespace sotto::test {

/// The first end_s seconds (null: all) of a file of demo/media.
inline std::vector<float> media_samples(const nlohmann::json& golden) {
  std::vector<float> samples =
      audio::load_audio(source_dir() / "demo" / "media" / golden.at("media").get<std::string>());
  if (!golden.at("end_s").is_null()) {
    samples.resize(static_cast<std::size_t>(golden.at("end_s").get<double>() * audio::kSampleRateHz));
  }
  return samples;
}

/// The same words; times within the rounding of two frames, because near ties of a path fall either way.
inline void expect_words(const std::vector<transcribe::Word>& got, const nlohmann::json& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].word, expected[i].at("word").get<std::string>());
    EXPECT_NEAR(got[i].start_s, expected[i].at("start").get<double>(), 0.021) << got[i].word;
    EXPECT_NEAR(got[i].end_s, expected[i].at("end").get<double>(), 0.021) << got[i].word;
    EXPECT_NEAR(got[i].probability, expected[i].at("probability").get<double>(), 1e-3) << got[i].word;
  }
}

/// Transcribes as openai-whisper did and compares text, language and every segment.
inline void expect_parity(transcribe::Transcriber& transcriber,
                          const nlohmann::json& golden,
                          transcribe::TranscribeOptions options) {
  SCOPED_TRACE(golden.at("media").dump() + " " + golden.at("options").dump());
  options.language = golden.at("options").value("language", transcribe::kAutoLanguage);
  const auto source = audio::from_samples(media_samples(golden));
  const transcribe::Transcription got = transcriber.transcribe(*source, options);
  const auto& expected = golden.at("result");
  EXPECT_EQ(got.language, expected.at("language").get<std::string>());
  EXPECT_EQ(got.text, expected.at("text").get<std::string>());
  ASSERT_EQ(got.segments.size(), expected.at("segments").size());
  for (std::size_t i = 0; i < got.segments.size(); ++i) {
    const transcribe::Segment& segment = got.segments[i];
    const auto& other = expected.at("segments")[i];
    EXPECT_EQ(segment.tokens, other.at("tokens").get<std::vector<std::int32_t>>()) << "segment " << i;
    EXPECT_EQ(segment.text, other.at("text").get<std::string>()) << "segment " << i;
    EXPECT_EQ(segment.seek_frames, other.at("seek").get<std::size_t>()) << "segment " << i;
    // Without timestamp rules a segment may begin with text, for which the reference counts below the window.
    const double start_s =
        std::max(other.at("start").get<double>(), static_cast<double>(segment.seek_frames) / 100);
    EXPECT_NEAR(segment.start_s, start_s, 1e-9) << "segment " << i;
    EXPECT_NEAR(segment.end_s, other.at("end").get<double>(), 1e-9) << "segment " << i;
    EXPECT_NEAR(segment.avg_logprob, other.at("avg_logprob").get<double>(), 1e-3) << "segment " << i;
    EXPECT_EQ(segment.temperature, other.value("temperature", 0.0)) << "segment " << i;
    expect_words(segment.words, other.at("words"));
    EXPECT_NEAR(segment.no_speech_prob, other.at("no_speech_prob").get<double>(), 1e-3) << "segment " << i;
  }
}

}  // namespace sotto::test
