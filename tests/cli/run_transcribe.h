#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cli/run_sotto.h"

namespace sotto::test {

/// Arguments that transcribe with the demo's checkpoint in English: quickly, for no beams are searched.
inline std::vector<std::string> quick(std::vector<std::string> arguments,
                                      const std::string& beam_size = "0") {
  const std::vector<std::string> common = {
      "--model", source_dir() / "demo/model", "--beam-size", beam_size, "--language", "en"};
  arguments.insert(arguments.begin(), "transcribe");
  arguments.insert(arguments.end(), common.begin(), common.end());
  return arguments;
}

inline Outcome transcribe(const std::vector<std::string>& arguments) {
  return run_sotto(quick(arguments));
}

/// Runs until a journal holds more than `n` lines, looking every millisecond of a minute at most, then ends
/// the process as a power cut would.
inline void run_and_kill(std::vector<std::string> arguments,
                         const std::filesystem::path& journal,
                         std::ptrdiff_t n) {
  arguments.emplace_back("--quiet");
  SottoProcess process(quick(std::move(arguments)));
  for (int i = 0; i < 60000; ++i) {
    const std::string lines = std::filesystem::exists(journal) ? read_file(journal) : "";
    if (std::count(lines.begin(), lines.end(), '\n') > n) {
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  process.send(SIGKILL);
  EXPECT_EQ(process.wait().status, 128 + SIGKILL);
}

}  // namespace sotto::test
