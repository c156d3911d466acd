// Ctrl-C and SIGTERM at any moment of `sotto transcribe`, and audio in which nobody speaks.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/run_transcribe.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::SottoProcess;

const fs::path kMedia = test::source_dir() / "demo/media";

std::vector<std::string> two_files(const fs::path& out) {
  return test::quick({kMedia / "en.flac", kMedia / "de.flac", "-o", out, "-f", "json,txt", "--batch-size",
                      "2", "--inference-precision", "f32", "--quiet"});
}

/// Nothing is left but what has a name for it, and JSON can be read.
void expect_whole_files(const fs::path& out) {
  const std::set<std::string> names = {"en.json",
                                       "en.txt",
                                       "de.json",
                                       "de.txt",
                                       "en.partial.json",
                                       "en.partial.txt",
                                       "de.partial.txt",
                                       "de.partial.json",
                                       "en.partial.journal",
                                       "de.partial.journal"};
  for (const auto& entry : fs::directory_iterator(out)) {
    EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path();
    if (entry.path().extension() == ".json") {
      EXPECT_TRUE(nlohmann::json::accept(test::read_file(entry.path()))) << entry.path();
    }
  }
}

TEST(Stop, AtAnyMomentLeavesWholeFilesFromWhichItGoesOn) {
  const test::TempDir dir;
  ASSERT_EQ(test::run_sotto(two_files(dir / "whole")).status, 0);
  int n_stopped = 0;
  int wait_ms = 0;
  for (int i = 0; i < 6; ++i) {
    const fs::path out = dir / ("cut" + std::to_string(i));
    SottoProcess process(two_files(out));
    process.wait_until_it_listens();
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    wait_ms = wait_ms * 2 + 20;
    process.send(i % 2 == 0 ? SIGINT : SIGTERM);
    const Outcome stopped = process.wait();
    EXPECT_TRUE(stopped.status == 130 || stopped.status == 0) << stopped.status << stopped.err;
    n_stopped += stopped.status == 130 ? 1 : 0;
    if (fs::exists(out)) {
      expect_whole_files(out);
    }
    std::vector<std::string> again = two_files(out);
    again.emplace_back("--resume");
    const Outcome resumed = test::run_sotto(again);
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    for (const auto& entry : fs::directory_iterator(dir / "whole")) {
      EXPECT_EQ(test::read_file(entry.path()), test::read_file(out / entry.path().filename())) << i;
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 4);
  }
  EXPECT_GT(n_stopped, 2);
}

TEST(Silence, OfAnHourIsNoText) {
  const test::TempDir dir;
  constexpr std::uint32_t kRate = 8000;
  std::string wav = test::read_file(kMedia / "demo.wav").substr(0, 44);
  wav.replace(24, 4, std::string({'\x40', '\x1f', '\0', '\0'}));  // 8000 Hz of 16 bits
  wav.replace(28, 4, std::string({'\x80', '\x3e', '\0', '\0'}));
  wav.replace(4, 4, 4, '\xff');
  wav.replace(40, 4, 4, '\xff');
  wav.resize(wav.size() + 3600UL * kRate * 2);
  test::write_file(dir / "silence.wav", wav);
  const Outcome outcome =
      test::transcribe({dir / "silence.wav", "-o", dir / "out", "-f", "txt,json", "--vad-filter"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(test::read_file(dir / "out" / "silence.txt"), "");
  const auto heard = nlohmann::json::parse(test::read_file(dir / "out" / "silence.json"));
  EXPECT_NEAR(heard["duration"].get<double>(), 3600.0, 0.1);
  EXPECT_TRUE(heard["segments"].empty());
}

}  // namespace
}  // namespace sotto
