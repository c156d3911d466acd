#include "transcribe/speech_spans.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::transcribe {
namespace {

using testing::ElementsAre;

/// Probabilities of stretches of speech and silence in turn, frames long.
std::vector<float> stretches(const std::vector<std::size_t>& frames, float speech = 0.9F) {
  std::vector<float> probabilities;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    probabilities.insert(probabilities.end(), frames[i] / 2, i % 2 == 0 ? 0.1F : speech);
  }
  return probabilities;
}

TranscribeOptions exact() {
  TranscribeOptions options;
  options.vad_speech_pad_ms = 0;
  options.vad_min_silence_duration_ms = 0;
  return options;
}

TEST(FindSpeech, TellsWhereTheThresholdIsCrossed) {
  EXPECT_THAT(find_speech(stretches({100, 50, 200, 10}), 360, exact()),
              ElementsAre(SpeechSpan{100, 150}, SpeechSpan{350, 360}));
  EXPECT_TRUE(find_speech(stretches({100, 50}, 0.4F), 150, exact()).empty());
  EXPECT_TRUE(find_speech({}, 0, exact()).empty());
}

TEST(FindSpeech, GoesOnAboveTheLowerThreshold) {
  std::vector<float> probabilities = stretches({100, 50});
  probabilities.insert(probabilities.end(), 20, 0.4F);
  EXPECT_THAT(find_speech(probabilities, 190, exact()), ElementsAre(SpeechSpan{100, 190}));
  TranscribeOptions options = exact();
  options.vad_neg_threshold = 0.45;
  EXPECT_THAT(find_speech(probabilities, 190, options), ElementsAre(SpeechSpan{100, 150}));
}

TEST(FindSpeech, JoinsOverShortSilenceAndDropsShortSpeech) {
  TranscribeOptions options = exact();
  options.vad_min_silence_duration_ms = 500;
  EXPECT_THAT(find_speech(stretches({100, 50, 40, 50, 60, 10}), 310, options),
              ElementsAre(SpeechSpan{100, 240}, SpeechSpan{300, 310}));
  options.vad_min_speech_duration_ms = 200;
  EXPECT_THAT(find_speech(stretches({100, 50, 40, 50, 60, 10}), 310, options),
              ElementsAre(SpeechSpan{100, 240}));
}

TEST(FindSpeech, PadsWithoutOverlapAndWithinTheWindow) {
  TranscribeOptions options = exact();
  options.vad_speech_pad_ms = 400;
  EXPECT_THAT(find_speech(stretches({20, 50, 60, 50, 10}), 190, options),
              ElementsAre(SpeechSpan{0, 100}, SpeechSpan{100, 190}));
}

TEST(FindSpeech, KeepsEveryFrameAboveTheThresholdWhateverTheOptions) {
  std::uint32_t state = 1;
  const auto random = [&](std::uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % below;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<float> probabilities(1 + random(300));
    for (float& p : probabilities) {
      p = static_cast<float>(random(100)) / 100.0F;
    }
    TranscribeOptions options;
    options.vad_threshold = 0.05 + random(90) / 100.0;
    options.vad_min_silence_duration_ms = static_cast<int>(random(1000));
    options.vad_speech_pad_ms = static_cast<int>(random(600));
    const std::size_t n_frames = 2 * probabilities.size() + random(2);
    const auto spans = find_speech(probabilities, n_frames, options);
    std::size_t end = 0;
    for (const SpeechSpan& span : spans) {
      EXPECT_GE(span.begin_frame, end);
      EXPECT_GT(span.end_frame, span.begin_frame);
      end = span.end_frame;
    }
    EXPECT_LE(end, n_frames);
    for (std::size_t step = 0; step < probabilities.size(); ++step) {
      const bool kept = std::any_of(spans.begin(), spans.end(), [&](const SpeechSpan& s) {
        return s.begin_frame <= 2 * step && 2 * step + 2 <= s.end_frame;
      });
      EXPECT_TRUE(kept || static_cast<double>(probabilities[step]) < options.vad_threshold) << step;
    }
  }
}

/// A window of nothing but n_frames at the floor.
audio::MelWindow silence(std::size_t n_frames) {
  return {{80, audio::kWindowFrames, std::vector<float>(80UL * audio::kWindowFrames, -1.5F)}, n_frames};
}

TEST(HeardPart, SkipsSilenceButForWhatTheNextWindowMustSee) {
  EXPECT_EQ(heard_part(silence(1234), {}).skip_frames, 1234U);
  const std::size_t skipped = heard_part(silence(audio::kWindowFrames), {}).skip_frames;
  EXPECT_LT(skipped, static_cast<std::size_t>(audio::kWindowFrames));
  EXPECT_GT(skipped, audio::kWindowFrames - 100U);
}

}  // namespace
}  // namespace sotto::transcribe
