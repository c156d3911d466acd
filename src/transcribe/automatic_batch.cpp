#include "transcribe/automatic_batch.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/available_memory.h"
#include "core/cpu_quota.h"
#include "sotto/audio.h"

namespace sotto::transcribe {
namespace {

// A step reads the weights once for all rows, so rows cost little until arithmetic takes as long as reading:
// later where there are more threads for it. Beyond 16 the rows' own keys and values are most of what is
// read.
constexpr int kWindowsPerThread = 2;
constexpr int kFewest = 4;
constexpr int kMost = 16;
constexpr int kLeast = 2;  // one would be heard otherwise: each window beginning where the one before ended

/// Tensors as wide as the encoder's state that are alive at once in a layer: its own, queries, keys, values
/// and four of the MLP, with as much again for what is being written.
constexpr std::uint64_t kEncoderTensors = 12;

}  // namespace

std::uint64_t window_bytes(const model::ModelDimensions& dims) {
  const auto n = [](std::int64_t dimension) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(dimension, 0));
  };
  const std::uint64_t mel = n(dims.n_mels) * audio::kWindowFrames;
  const std::uint64_t encoder = kEncoderTensors * n(dims.n_audio_ctx) * n(dims.n_audio_state);
  const std::uint64_t attended = n(dims.n_audio_ctx) + n(dims.n_text_ctx);
  const std::uint64_t keys_and_values = 2 * n(dims.n_text_layer) * attended * n(dims.n_text_state);
  return sizeof(float) * (mel + encoder + keys_and_values + n(dims.n_vocab));
}

int automatic_batch_size(const model::ModelDimensions& dims, const BatchSurroundings& surroundings) {
  double size = std::clamp(kWindowsPerThread * std::clamp(surroundings.n_threads, 1, kMost), kFewest, kMost);
  if (surroundings.duration_s) {
    // Cut at pauses windows may be a third shorter than they can be.
    size = std::min(size, std::ceil(*surroundings.duration_s / (audio::kWindowS * 2.0 / 3.0)));
  }
  if (surroundings.free_bytes) {
    const std::uint64_t n_fitting =
        *surroundings.free_bytes / 2 / std::max<std::uint64_t>(window_bytes(dims), 1);
    size = std::min(size, static_cast<double>(n_fitting));
  }
  return std::max(static_cast<int>(size), kLeast);
}

BatchSurroundings batch_surroundings(const SessionOptions& session) {
  const int n_processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return {.n_threads = session.threads > 0 ? session.threads
                                           : std::min(n_processors, cpu_quota().value_or(n_processors)),
          .free_bytes = available_memory_bytes()};
}

}  // namespace sotto::transcribe
