#pragma once

#include <cstdint>
#include <optional>

#include "sotto/model.h"
#include "sotto/transcribe.h"

namespace sotto::transcribe {

/// What decides how many windows are decoded together where nobody says it.
struct BatchSurroundings {
  int n_threads = 1;
  std::optional<std::uint64_t> free_bytes{};  ///< memory not in use; none if it is unknown
  std::optional<double> duration_s{};         ///< of all there is to hear, if it is known
};

/// Bytes that a window of a batch takes: its spectrogram, the widest tensors of the encoder, keys and values
/// of the decoder's attention over the window and over its text, all as f32, which is the most they can take.
std::uint64_t window_bytes(const model::ModelDimensions& dims);

/// The number of windows for TranscribeOptions::batch_size 0, 2 to 16, by the rule that is written there.
int automatic_batch_size(const model::ModelDimensions& dims, const BatchSurroundings& surroundings);

/// This machine's, for a model that was just loaded.
BatchSurroundings batch_surroundings(const SessionOptions& session);

}  // namespace sotto::transcribe
