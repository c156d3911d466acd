// What `sotto transcribe` needs for long audio.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/run_transcribe.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kBytesPerMinute = 60UL * 16000 * 2;

/// A .wav of the demo's speech over and over. Its header tells a length that nobody knows, as a pipe's does.
fs::path repeated_speech(const test::TempDir& dir, std::size_t minutes) {
  const fs::path path = dir / ("speech" + std::to_string(minutes) + ".wav");
  const std::string wav = test::read_file(test::source_dir() / "demo/media/demo.wav");
  std::string header = wav.substr(0, kHeaderBytes);
  header.replace(4, 4, 4, '\xff');
  header.replace(kHeaderBytes - 4, 4, 4, '\xff');
  std::ofstream out(path, std::ios::binary);
  out << header;
  for (std::size_t left = minutes * kBytesPerMinute; left > 0;) {
    const std::size_t n = std::min(left, wav.size() - kHeaderBytes);
    out.write(wav.data() + kHeaderBytes, static_cast<std::streamsize>(n));
    left -= n;
  }
  return path;
}

/// With few tokens a window: they take most of the time.
double peak_mb(std::size_t minutes, const std::vector<std::string>& options) {
  const test::TempDir dir;
  std::vector<std::string> arguments = {repeated_speech(dir, minutes),
                                        "-o",
                                        dir / "out",
                                        "--quiet",
                                        "--threads",
                                        "2",
                                        "--sample-len",
                                        "8",
                                        "--temperature-increment-on-fallback",
                                        "None",
                                        "--no-condition-on-previous-text"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const test::Outcome outcome = test::transcribe(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return outcome.peak_mb;
}

TEST(Memory, DoesNotGrowWithTheAudio) {
  // From ten minutes on; till then a recording is read at once. The 18 minutes between are 69 MB of samples,
  // 35 MB as they are in the file, 35 MB as a spectrogram.
  const std::vector<std::vector<std::string>> cases = {{"-f", "txt"}, {"-f", "srt", "--batch-size", "4"}};
  for (const std::vector<std::string>& options : cases) {
    const double twelve = peak_mb(12, options);
    EXPECT_GT(twelve, 50.0);
    EXPECT_LT(peak_mb(30, options), twelve + 20.0) << options[1];
  }
}

}  // namespace
}  // namespace sotto
