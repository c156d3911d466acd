#pragma once

#include <filesystem>
#include <string>

#include "support/temp_dir.h"

namespace sotto::test {

/// Copies IR files of tests/golden/TOPIC and, beside them, the JSON files of the model they are of
/// (tests/golden/transcribe/tiny).
inline void copy_layout(const std::string& topic, const std::filesystem::path& to, bool with_json = true) {
  namespace fs = std::filesystem;
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(source_dir() / "tests" / "golden" / topic)) {
    if (entry.path().extension() == ".xml" || entry.path().extension() == ".bin") {
      fs::copy_file(entry.path(), to / entry.path().filename());
    }
  }
  const fs::path tiny = source_dir() / "tests" / "golden" / "transcribe" / "tiny";
  for (const char* name : {"config.json", "generation_config.json", "tokenizer.json"}) {
    if (with_json) {
      fs::copy_file(tiny / name, to / name);
    }
  }
}

}  // namespace sotto::test
