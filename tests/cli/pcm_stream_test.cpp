#include "cli/pcm_stream.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/expect_error.h"

namespace sotto::cli {
namespace {

/// A pipe that holds `bytes` and nothing more, or is kept open.
class Pipe {
 public:
  explicit Pipe(const std::string& bytes, bool stays_open = false) {
    EXPECT_EQ(::pipe(ends_.data()), 0);
    EXPECT_EQ(::write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    if (!stays_open) {
      ::close(ends_[1]);
      ends_[1] = -1;
    }
  }
  ~Pipe() {
    ::close(ends_[0]);
    if (ends_[1] >= 0) {
      ::close(ends_[1]);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reading() const { return ends_[0]; }

 private:
  std::array<int, 2> ends_{};
};

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(PcmStream, ReadsBothFormatsAndLeavesOutHalfASample) {
  const Pipe shorts(bytes_of<std::int16_t>({0, 16384, -32768, 32767}) + "x");
  PcmStream stream(shorts.reading(), SampleFormat::s16le, "in", {});
  EXPECT_EQ(stream.take(3), (std::vector<float>{0.0F, 0.5F, -1.0F}));
  EXPECT_EQ(stream.take(3), std::vector<float>{32767.0F / 32768.0F});
  EXPECT_TRUE(stream.take(3).empty());
  EXPECT_FALSE(stream.has(1));
  const Pipe floats(bytes_of<float>({0.25F, -3.0F}));
  PcmStream other(floats.reading(), SampleFormat::f32le, "in", {});
  EXPECT_EQ(other.take(5), (std::vector<float>{0.25F, -1.0F}));
}

TEST(PcmStream, EndsWhereItIsToldToStop) {
  const Pipe pipe(bytes_of<std::int16_t>({1, 2}), true);
  std::stop_source stop;
  PcmStream stream(pipe.reading(), SampleFormat::s16le, "in", stop.get_token());
  EXPECT_EQ(stream.take(2).size(), 2U);
  stop.request_stop();
  EXPECT_TRUE(stream.take(1).empty());
}

TEST(PcmStream, EndsWhileItsWriterStillHoldsThePipe) {
  const Pipe pipe("", true);
  const PcmStream stream(pipe.reading(), SampleFormat::s16le, "in", {});
  EXPECT_FALSE(stream.has(1));
}

TEST(PcmStream, RefusesWhatIsNoRawSound) {
  const auto refused = [](const std::string& bytes, SampleFormat format, const std::string& part) {
    const Pipe pipe(bytes);
    PcmStream stream(pipe.reading(), format, "in", {});
    test::expect_error(
        [&] {
          while (!stream.take(100).empty()) {
          }
        },
        ErrorCode::bad_format, part);
  };
  refused("RIFF....WAVE", SampleFormat::s16le, "found a file with a header");
  refused(bytes_of<float>({0.0F, std::numeric_limits<float>::quiet_NaN()}), SampleFormat::f32le,
          "expected finite samples");
}

}  // namespace
}  // namespace sotto::cli
