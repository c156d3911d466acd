#include "transcribe/speech_spans.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/mel_stream.h"
#include "sotto/audio.h"
#include "support/temp_dir.h"
#include "transcribe/clips.h"

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

/// Whatever is left out, what is heard keeps its place: every frame of the recording is skipped or heard
/// once, in order, and a window that begins at frame f holds the recording from f on.
TEST(HeardPart, MapsEveryFrameToItsOwnTime) {
  const std::vector<float> speech = audio::load_audio(test::source_dir() / "demo" / "media" / "en.flac");
  std::uint32_t state = 7;
  const auto random = [&](std::uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % below;
  };
  for (int round = 0; round < 6; ++round) {
    std::vector<float> samples;
    for (int part = 0; part < 6; ++part) {
      const std::size_t from = random(static_cast<std::uint32_t>(speech.size()) - 48000);
      samples.insert(samples.end(), random(12 * 16000), 0.0F);
      samples.insert(samples.end(), speech.begin() + static_cast<std::ptrdiff_t>(from),
                     speech.begin() + static_cast<std::ptrdiff_t>(from + 8000 + random(40000)));
    }
    TranscribeOptions options;
    options.vad_min_silence_duration_ms = static_cast<int>(random(3000));
    options.vad_speech_pad_ms = static_cast<int>(random(500));
    options.vad_max_speech_duration_s = 2.0 + random(28);
    const auto source = audio::from_samples(samples);
    const auto again = audio::from_samples(samples);
    audio::MelStream cut_stream(*source, 80);
    audio::MelStream whole_stream(*again, 80);
    std::size_t seek = 0;
    std::size_t n_heard = 0;
    while (const auto whole = whole_stream.window(seek)) {
      auto window = *cut_stream.window(seek);
      const HeardPart part = heard_part(window, options);
      if (part.skip_frames > 0) {
        seek += part.skip_frames;
        continue;
      }
      ASSERT_GT(part.n_frames, 0U);
      cut(window, part.n_frames);
      EXPECT_EQ(window.segment_frames, std::min(part.n_frames, whole->segment_frames));
      for (std::size_t m = 0; m < 80; m += 13) {
        for (std::size_t t = 0; t < audio::kWindowFrames; ++t) {
          const std::size_t at = m * audio::kWindowFrames + t;
          ASSERT_EQ(window.mel.values[at], t < window.segment_frames ? whole->mel.values[at] : 0.0F) << t;
        }
      }
      n_heard += window.segment_frames;
      seek += window.segment_frames;
    }
    EXPECT_EQ(seek, samples.size() / audio::kHopSamples);
    EXPECT_GT(n_heard, 0U);
  }
}

}  // namespace
}  // namespace sotto::transcribe
