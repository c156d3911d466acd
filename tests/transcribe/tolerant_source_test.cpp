#include "transcribe/tolerant_source.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "sotto/error.h"
#include "support/expect_error.h"

namespace sotto::transcribe {
namespace {

/// n_samples of 0.5, then an error.
class BrokenSource final : public audio::AudioSource {
 public:
  BrokenSource(std::size_t n_samples, ErrorCode code) : n_samples_(n_samples), code_(code) {}
  std::size_t read(std::span<float> out) override {
    if (done_ == n_samples_) {
      throw Error(code_, "a.flac", "the stream breaks off.");
    }
    const std::size_t n = std::min(out.size(), n_samples_ - done_);
    std::fill_n(out.begin(), n, 0.5F);
    done_ += n;
    return n;
  }
  std::optional<double> duration_s() const override { return 60.0; }
  bool rewind() override {
    done_ = 0;
    return true;
  }

 private:
  std::size_t n_samples_;
  std::size_t done_ = 0;
  ErrorCode code_;
};

TEST(TolerantSource, EndsWhereTheStreamBreaksOffAndTellsAfterwards) {
  BrokenSource broken(5, ErrorCode::bad_format);
  TolerantSource source(broken);
  std::array<float, 4> out{};
  EXPECT_EQ(source.read(out), 4U);
  EXPECT_EQ(source.read(out), 1U);
  source.rethrow();  // nothing yet
  EXPECT_EQ(source.read(out), 0U);
  EXPECT_EQ(source.read(out), 0U);
  test::expect_error([&] { source.rethrow(); }, ErrorCode::bad_format, "a.flac: the stream breaks off.");
}

TEST(TolerantSource, ForgetsTheErrorOnRewind) {
  BrokenSource broken(5, ErrorCode::bad_format);
  TolerantSource source(broken);
  std::array<float, 8> out{};
  source.read(out);
  source.read(out);
  EXPECT_TRUE(source.rewind());
  source.rethrow();
  EXPECT_EQ(source.read(out), 5U);
}

TEST(TolerantSource, ThrowsAtOnceWithoutASample) {
  BrokenSource broken(0, ErrorCode::bad_format);
  TolerantSource source(broken);
  std::array<float, 4> out{};
  test::expect_error([&] { source.read(out); }, ErrorCode::bad_format, "breaks off");
}

TEST(TolerantSource, DoesNotHideOtherErrors) {
  BrokenSource broken(2, ErrorCode::io);
  TolerantSource source(broken);
  std::array<float, 4> out{};
  source.read(out);
  test::expect_error([&] { source.read(out); }, ErrorCode::io, "breaks off");
}

}  // namespace
}  // namespace sotto::transcribe
