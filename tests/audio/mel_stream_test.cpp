#include "audio/mel_stream.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "audio/test_signal.h"
#include "support/expect_error.h"

namespace sotto::audio {
namespace {

/// A recording that is made while it is read.
class GeneratedSource : public AudioSource {
 public:
  GeneratedSource(std::size_t n_samples, bool rewinds) : n_samples_(n_samples), rewinds_(rewinds) {}

  std::size_t read(std::span<float> out) override {
    const std::size_t n = std::min(out.size(), n_samples_ - next_);
    std::generate_n(out.begin(), n, [this] { return signal_.next(); });
    next_ += n;
    return n;
  }
  std::optional<double> duration_s() const override {
    return static_cast<double>(n_samples_) / kSampleRateHz;
  }
  bool rewind() override {
    if (rewinds_) {
      next_ = 0;
      signal_ = {};
      ++n_rewinds;
    }
    return rewinds_;
  }

  int n_rewinds = 0;

 private:
  std::size_t n_samples_;
  bool rewinds_;
  std::size_t next_ = 0;
  TestSignal signal_;
};

/// What openai/whisper gives the encoder at `seek` of the whole-file spectrogram.
LogMel whisper_window(const LogMel& whole, std::size_t seek, std::size_t n_frames) {
  LogMel slice{whole.n_mels, n_frames, {}};
  for (std::size_t m = 0; m < static_cast<std::size_t>(whole.n_mels); ++m) {
    const float* row = whole.values.data() + m * whole.n_frames + seek;
    slice.values.insert(slice.values.end(), row, row + n_frames);
  }
  return pad_or_trim(slice);
}

float largest_difference(const LogMel& a, const LogMel& b) {
  EXPECT_EQ(a.values.size(), b.values.size());
  float worst = 0.0F;
  for (std::size_t i = 0; i < std::min(a.values.size(), b.values.size()); ++i) {
    worst = std::max(worst, std::abs(a.values[i] - b.values[i]));
  }
  return worst;
}

TEST(MelStream, GivesTheWindowsOfTheWholeSpectrogram) {
  std::mt19937 random(7);
  for (const std::size_t n_samples :
       {0UL, 1UL, 100UL, 160UL, 12345UL, 479840UL, 480000UL, 480160UL, 1234567UL}) {
    const std::vector<float> samples = test_signal(n_samples);
    const LogMel whole = log_mel_spectrogram(samples, 80, kWindowSamples);
    const auto source = from_samples(samples);
    MelStream stream(*source, 80);
    EXPECT_EQ(stream.content_frames(), n_samples / 160);
    EXPECT_TRUE(stream.at_end());
    EXPECT_LT(largest_difference(*stream.window_for_language(), pad_or_trim(whole)), 1e-6F) << n_samples;
    for (std::size_t seek = 0; seek < stream.content_frames(); seek += 1 + random() % 3000) {
      const auto window = stream.window(seek);
      ASSERT_TRUE(window.has_value()) << seek;
      EXPECT_EQ(window->segment_frames, std::min<std::size_t>(3000, n_samples / 160 - seek));
      EXPECT_LT(largest_difference(window->mel, whisper_window(whole, seek, window->segment_frames)), 1e-6F)
          << seek;
    }
    EXPECT_FALSE(stream.window(n_samples / 160).has_value());
  }
}

TEST(MelStream, OfALongFileReadsItTwiceAndGivesTheSameWindows) {
  const std::size_t n_samples = 11 * 60 * kSampleRateHz + 77;
  GeneratedSource source(n_samples, true);
  MelStream stream(source, 80);
  EXPECT_EQ(source.n_rewinds, 2);
  const LogMel whole = log_mel_spectrogram(test_signal(n_samples), 80, kWindowSamples);
  for (const std::size_t seek : {0UL, 2990UL, 40001UL, 65900UL}) {
    const auto window = stream.window(seek);
    ASSERT_TRUE(window.has_value());
    EXPECT_LT(largest_difference(window->mel, whisper_window(whole, seek, window->segment_frames)), 1e-6F)
        << seek;
    EXPECT_LT(stream.buffered_bytes(), 50U << 20);
  }
  EXPECT_FALSE(stream.window(66000).has_value());
}

TEST(MelStream, HoldsBoundedMemoryForHours) {
  GeneratedSource source(3600UL * kSampleRateHz, false);
  MelStream stream(source, 80, MelNormalization::running);
  std::size_t most = 0;
  std::size_t n_windows = 0;
  for (std::size_t seek = 0; stream.window(seek); seek += 29000) {
    most = std::max(most, stream.buffered_bytes());
    ++n_windows;
  }
  EXPECT_EQ(stream.content_frames(), 360000U);
  EXPECT_EQ(n_windows, (360000U + 28999) / 29000);
  EXPECT_LT(most, 10U << 20);
}

TEST(MelStream, NormalisesWhatCannotRewindByTheMaximumSoFar) {
  GeneratedSource source(11UL * 60 * kSampleRateHz, false);
  MelStream stream(source, 80);
  EXPECT_EQ(stream.duration_s(), 660.0);
  EXPECT_FALSE(stream.at_end());
  EXPECT_EQ(stream.window(65000)->segment_frames, 1000U);
  EXPECT_TRUE(stream.at_end());
}

TEST(MelStream, OnlyMovesForward) {
  const auto source = from_samples(test_signal(40 * kSampleRateHz));
  MelStream stream(*source, 80);
  ASSERT_TRUE(stream.window(1000).has_value());
  EXPECT_TRUE(stream.window(1000).has_value());
  test::expect_error([&] { stream.window(999); }, ErrorCode::invalid_argument, "only move forward");
}

TEST(MelStream, GivesLaterWindowsForLanguageToo) {
  const std::vector<float> samples = test_signal(kWindowSamples + 5 * kSampleRateHz);
  const auto source = from_samples(samples);
  MelStream stream(*source, 80);
  const LogMel whole = log_mel_spectrogram(samples, 80, kWindowSamples);
  LogMel second{80, kWindowFrames, {}};
  for (std::size_t m = 0; m < 80; ++m) {
    const auto row = whole.values.begin() + static_cast<std::ptrdiff_t>(m * whole.n_frames + kWindowFrames);
    second.values.insert(second.values.end(), row, row + kWindowFrames);
  }
  EXPECT_LT(largest_difference(*stream.window_for_language(kWindowFrames), second), 1e-6F);
  EXPECT_FALSE(stream.window_for_language(2 * kWindowFrames));
  EXPECT_TRUE(stream.window(0));
}

}  // namespace
}  // namespace sotto::audio
