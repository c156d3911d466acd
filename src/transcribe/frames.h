#pragma once

#include <cmath>
#include <cstddef>

#include "sotto/audio.h"

namespace sotto::transcribe {

/// Seconds as mel frames of 10 ms, half to even as Python rounds; at least 0.
inline std::size_t to_frames(double seconds) {
  return seconds > 0.0 ? static_cast<std::size_t>(std::nearbyint(seconds * audio::kFramesPerSecond)) : 0;
}

inline double to_seconds(std::size_t n_frames) {
  return static_cast<double>(n_frames) / audio::kFramesPerSecond;
}

}  // namespace sotto::transcribe
