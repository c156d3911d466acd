#include "transcribe/read_ahead.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sotto/error.h"
#include "support/expect_error.h"

namespace sotto::transcribe {
namespace {

constexpr int kMels = 80;

std::vector<float> ramp(std::size_t n) {
  std::vector<float> samples(n);
  for (std::size_t i = 0; i < n; ++i) {
    samples[i] = static_cast<float>(i % 200) / 400.0F;
  }
  return samples;
}

/// Gives silence for as long as it is asked, and tells that it was.
class EndlessSource final : public audio::AudioSource {
 public:
  explicit EndlessSource(std::atomic<bool>& was_read) : was_read_(was_read) {}
  std::size_t read(std::span<float> out) override {
    std::fill(out.begin(), out.end(), 0.0F);
    was_read_ = true;
    return out.size();
  }
  std::optional<double> duration_s() const override { return std::nullopt; }
  bool rewind() override { return true; }

 private:
  std::atomic<bool>& was_read_;
};

Recording opened_by(std::function<Recording::Audio()> open) {
  Recording recording;
  recording.open = std::move(open);
  return recording;
}

Recording endless(std::atomic<bool>& was_read) {
  return opened_by([&] { return Recording::Audio{std::make_unique<EndlessSource>(was_read)}; });
}

Recording ramp_recording() {
  return opened_by([] { return Recording::Audio{audio::from_samples(ramp(100'000))}; });
}

TEST(ReadAhead, GivesWhatIsReadOtherwise) {
  const auto source = audio::from_samples(ramp(100'000));
  audio::MelStream expected(*source, kMels);
  for (const bool ahead : {false, true}) {
    ReadAhead recording(ramp_recording(), kMels, {});
    if (ahead) {
      recording.begin();
    }
    const OpenRecording opened = recording.take();
    ASSERT_TRUE(opened.spectrogram);
    EXPECT_EQ(opened.spectrogram->mel.window(0)->mel.values, expected.window(0)->mel.values);
    EXPECT_EQ(opened.spectrogram->mel.duration_s(), expected.duration_s());
  }
}

TEST(ReadAhead, OpensOnceOnTheCallersThread) {
  const auto here = std::this_thread::get_id();
  for (const bool is_slow : {false, true}) {
    int n_opened = 0;
    Recording counted = opened_by([&] {
      ++n_opened;
      EXPECT_EQ(std::this_thread::get_id(), here);
      return Recording::Audio{};
    });
    counted.is_slow_to_open = is_slow;
    ReadAhead recording(counted, kMels, {});
    recording.begin();
    EXPECT_EQ(n_opened, is_slow ? 0 : 1);  // what is slow waits for its turn
    EXPECT_FALSE(recording.take().spectrogram);
    EXPECT_EQ(n_opened, 1);
  }
}

TEST(ReadAhead, ThrowsInItsTurnWhatOpeningOrReadingThrew) {
  ReadAhead missing(
      opened_by([]() -> Recording::Audio { throw Error(ErrorCode::not_found, "a", "is missing."); }), kMels,
      {});
  missing.begin();
  test::expect_error([&] { missing.take(); }, ErrorCode::not_found, "a: is missing.");
  ReadAhead wrong(ramp_recording(), 77, {});  // no such number of mels
  wrong.begin();
  test::expect_error([&] { wrong.take(); }, ErrorCode::invalid_argument, "77");
  ReadAhead other(opened_by([]() -> Recording::Audio { throw std::runtime_error("x"); }), kMels, {});
  other.begin();
  EXPECT_THROW(other.take(), std::runtime_error);
}

TEST(ReadAhead, EndsOnARequestedStopAndWithItsOwner) {
  std::atomic<bool> was_read = false;
  std::stop_source stop;
  ReadAhead recording(endless(was_read), kMels, stop.get_token());
  recording.begin();
  stop.request_stop();
  test::expect_error([&] { recording.take(); }, ErrorCode::cancelled, "stopped on request");
  was_read = false;
  ReadAhead forgotten(endless(was_read), kMels, {});
  forgotten.begin();
  while (!was_read) {
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace sotto::transcribe
