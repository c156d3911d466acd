// `sotto listen` with raw samples on standard input and with FFmpeg's devices.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run_sotto.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::SottoProcess;
using testing::HasSubstr;

constexpr std::size_t kBytesPerSecond = 32000;  // s16le

/// The samples of the bundled speech: en.flac is 16 kHz mono, and so is its part of demo.wav.
std::string raw_speech() {
  const std::string wav = test::read_file(test::source_dir() / "demo/media/demo.wav");
  return wav.substr(wav.find("data") + 8, 25 * kBytesPerSecond);
}

std::vector<std::string> listening(std::vector<std::string> more) {
  more.insert(more.begin(), {"listen", "--model", test::source_dir() / "demo/model", "--language", "en",
                             "--beam-size", "0"});
  return more;
}

TEST(Listen, HearsSamplesOnStandardInput) {
  const test::TempDir dir;
  test::write_file(dir / "raw", raw_speech());
  const Outcome outcome =
      SottoProcess(listening({"-", "-f", "srt,json", "-o", dir / "out"}), "", dir / "raw").wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("] Where is the lamp?\n"));
  EXPECT_THAT(outcome.out, HasSubstr("standard input: English, 25.0 s of audio"));
  EXPECT_THAT(test::read_file(dir / "out" / "live.srt"), HasSubstr("Where is the lamp?"));
  EXPECT_TRUE(fs::exists(dir / "out" / "live.json"));
}

/// What is said is told while more is still to come: partial text first, then final text; Ctrl-C is a good
/// end.
TEST(Listen, TellsWhatIsSaidWhileThePipeStaysOpen) {
  const test::TempDir dir;
  const fs::path pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int both_ends = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  SottoProcess process(listening({"-", "--json-lines", "-f", "txt", "-o", dir / "out"}), "", pipe);
  const std::string speech = raw_speech();
  std::atomic<bool> is_done = false;
  std::thread speaker([&] {  // at the rate of speech
    constexpr std::size_t kBlock = kBytesPerSecond / 10;
    for (std::size_t at = 0; at < speech.size() && !is_done; at += kBlock) {
      EXPECT_EQ(::write(both_ends, speech.data() + at, kBlock), static_cast<ssize_t>(kBlock));
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  process.wait_for_output("\"event\":\"partial\"");
  process.wait_for_output("Where is the lamp?");
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  is_done = true;
  speaker.join();
  ::close(both_ends);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("{\"event\":\"end\",\"status\":0}"));
  EXPECT_THAT(test::read_file(dir / "out" / "live.txt"), HasSubstr("lamp"));
}

TEST(Listen, RefusesWhatItCannotHear) {
  const auto refused = [](const std::vector<std::string>& more, int status, const std::string& part,
                          const fs::path& in = "/dev/null") {
    const Outcome outcome = SottoProcess(listening(more), "", in).wait();
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  };
  refused({"-"}, 1, "standard input: expected raw samples (16 kHz mono), found a file with a header",
          test::source_dir() / "demo/media/demo.wav");
  refused({"-", "--sample-format", "mp3"}, 2, "expected s16le or f32le");
  refused({"microphone"}, 2, "microphone: expected - for standard input or DEVICE:NAME");
  if (std::system("ffmpeg -version > /dev/null 2>&1") == 0) {
    refused({"nodevice:x"}, 3, "nodevice:x: ffmpeg failed with status");
  }
}

TEST(Listen, RecordsFromADeviceOfFfmpeg) {
  if (std::system("ffmpeg -v error -f lavfi -i anullsrc -t 0.1 -f null - > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "there is no ffmpeg with lavfi";
  }
  const fs::path speech = test::source_dir() / "demo/media/en.flac";
  const Outcome outcome = test::run_sotto(listening({"lavfi:amovie=" + speech.string()}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Where is the lamp?"));
}

}  // namespace
}  // namespace sotto
