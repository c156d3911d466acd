#pragma once

#include <cstddef>
#include <vector>

#include "sotto/audio.h"

namespace sotto::audio {

/// Frames (10 ms) of a mel window for each probability of speech.
inline constexpr std::size_t kFramesPerStep = 2;

/// Probability of speech every 20 ms in the first n_frames of a window of Whisper's log-mel (80 or 128
/// bands): n_frames / 2 values. A small convolutional network trained on the demo's speech among noise, hum
/// and music (demo/train/train_vad.py); each value sees 0.6 s before and behind it.
std::vector<float> speech_probabilities(const LogMel& mel, std::size_t n_frames);

}  // namespace sotto::audio
