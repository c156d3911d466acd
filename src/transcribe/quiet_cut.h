#pragma once

#include <cstddef>

#include "sotto/audio.h"

namespace sotto::transcribe {

/// Where to end a window of n_frames of a log-mel so that no word is cut: the middle of the quietest 0.3 s in
/// its last third. At least 1 for n_frames of at least 1.
std::size_t quiet_cut(const audio::LogMel& mel, std::size_t n_frames);

}  // namespace sotto::transcribe
