#pragma once

// Products of many frames, some of them at a time: their values stay in the first caches.

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "engine/kernels.h"
#include "engine/linear.h"
#include "engine/team.h"

namespace sotto::engine {

/// Frames that are gone through together.
struct Tile {
  std::size_t first = 0;
  std::size_t n = 0;
};
inline constexpr std::size_t kTile = 64;

/// Some outputs of a layer for the frames of a tile: row r begins at values + r * kColumns.
struct Columns {
  float* values = nullptr;
  std::size_t first = 0;
  std::size_t n = 0;
};
inline constexpr std::size_t kColumns = 2 * kHeadSize;

/// What a layer is fed with, in its form: a row for each frame, `stride` values apart.
struct LayerInput {
  const void* rows = nullptr;
  std::size_t stride = 0;
};

/// Calls work(worker, tile) for all frames.
template <typename Work>
void over_tiles(Team& team, std::size_t n_frames, const Work& work) {
  team.each((n_frames + kTile - 1) / kTile, [&](std::size_t worker, std::size_t i) {
    work(worker, Tile{i * kTile, std::min(kTile, n_frames - i * kTile)});
  });
}

/// Calls take(columns) until it has had all outputs of n_rows rows. buffer: [n_rows, kColumns].
template <typename Take>
void multiply_tile(const Kernels& kernels,
                   const Linear& linear,
                   const LayerInput& input,
                   std::size_t n_rows,
                   float* buffer,
                   const Take& take) {
  constexpr std::size_t kBlocks = kColumns / kBlock;
  for (std::size_t block = 0; block < linear.n_blocks(); block += kBlocks) {
    const Rows rows{.x = input.rows,
                    .n_rows = n_rows,
                    .y = buffer,
                    .y_stride = kColumns,
                    .x_stride = input.stride,
                    .y_block = block};
    linear.multiply(kernels, rows, block, std::min(block + kBlocks, linear.n_blocks()));
    const std::size_t first = block * kBlock;
    take(Columns{buffer, first, std::min(kColumns, linear.n_out() - first)});
  }
}

/// Bytes of a value in a form.
inline std::size_t value_size(const InputForm& form) {
  return form.is_quantized ? 1 : sizeof(float);
}

/// x times the scales from `first` on, in 8 bits where the form is. x is used up.
inline void put_in_form(const Kernels& kernels,
                        const InputForm& form,
                        std::size_t first,
                        std::size_t n,
                        float* x,
                        std::byte* to) {
  if (!form.scale.empty()) {
    kernels.multiply(x, form.scale.data() + first, n);
  }
  if (form.is_quantized) {
    kernels.quantize(x, n, form.low, form.step, reinterpret_cast<std::uint8_t*>(to));
  } else {
    std::memcpy(to, x, n * sizeof(float));
  }
}

}  // namespace sotto::engine
