#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "core/mel_filters.h"
#include "model/sources/archive_writer.h"
#include "sotto/model.h"

namespace sotto::test::ggml {

/// Whisper's filters as the file holds them: their number, 201, f32 row by row.
inline std::string filters(int n_mels) {
  std::string bytes = le(static_cast<std::uint64_t>(n_mels), 4) + le(kMelFilterBins, 4);
  for (const MelFilter& filter : mel_filters(n_mels)) {
    std::vector<float> row(kMelFilterBins);
    std::copy(filter.weights.begin(), filter.weights.end(),
              row.begin() + static_cast<std::ptrdiff_t>(filter.first_bin));
    for (const float weight : row) {
      bytes += le(std::bit_cast<std::uint32_t>(weight), 4);
    }
  }
  return bytes;
}

/// All before the filters.
inline std::string magic_and_dims(const model::ModelDimensions& dims) {
  std::string bytes = le(0x67676d6c, 4);
  for (const std::int64_t value : {dims.n_vocab, dims.n_audio_ctx, dims.n_audio_state, dims.n_audio_head,
                                   dims.n_audio_layer, dims.n_text_ctx, dims.n_text_state, dims.n_text_head,
                                   dims.n_text_layer, dims.n_mels, std::int64_t{1}}) {
    bytes += le(static_cast<std::uint64_t>(value), 4);
  }
  return bytes;
}

/// `dims` in the file's order, the fastest axis first.
inline std::string tensor(const std::string& name,
                          int type,
                          const std::vector<std::int64_t>& dims,
                          const std::string& data) {
  std::string bytes = le(dims.size(), 4) + le(name.size(), 4) + le(static_cast<std::uint64_t>(type), 4);
  for (const std::int64_t size : dims) {
    bytes += le(static_cast<std::uint64_t>(size), 4);
  }
  return bytes + name + data;
}

}  // namespace sotto::test::ggml
