#pragma once

#include <string>
#include <vector>

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

}  // namespace sotto::test
