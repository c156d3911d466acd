#pragma once

#include <filesystem>

#include "sotto/model.h"
#include "support/temp_dir.h"

namespace sotto::test {

/// A random Whisper of 30 s windows (tests/golden/transcribe/make_tiny.py).
inline std::filesystem::path tiny_directory() {
  return source_dir() / "tests" / "golden" / "transcribe" / "tiny";
}

inline const model::WhisperModel& tiny_model() {
  static const model::WhisperModel model = model::build(tiny_directory());
  return model;
}

}  // namespace sotto::test
