#pragma once

// Attention's loops over u8 × i8 for processors without an instruction for it, over their multiply_int8().

#include "engine/attention_loops.h"

namespace sotto::engine {
namespace {

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last);

void score(const Product& keys, const Queries& queries, const Scratch& scratch) {
  const Rows rows{.x = queries.first,
                  .n_rows = queries.n,
                  .y = scratch.scores,
                  .y_stride = keys.n_out,
                  .x_stride = queries.stride};
  multiply_int8(keys, rows, 0, keys.n_out / kBlock);
  for (std::size_t r = 0; r < queries.n; ++r) {
    const float* const scores = scratch.scores + r * keys.n_out;
    for (std::size_t i = 0; i < keys.n_out; ++i) {
      float& max = scratch.largest[i / kKeysOfScale * kQueries + r];
      max = i % kKeysOfScale == 0 || scores[i] > max ? scores[i] : max;
    }
  }
}

void add_values(const HeadKeys& head, const Queries& queries, const Scratch& scratch) {
  const std::size_t n = head.keys.n_out;
  for (std::size_t r = 0; r < queries.n; ++r) {
    const auto* const weights = reinterpret_cast<const std::uint8_t*>(scratch.scores + r * n);
    const auto* quads = static_cast<const std::int8_t*>(head.values);
    for (std::size_t first = 0; first < n; first += kKeysOfScale) {
      std::int32_t sums[kHeadSize] = {};
      for (std::size_t k = first; k < first + kKeysOfScale; k += kQuad, quads += kQuad * kHeadSize) {
        for (std::size_t i = 0; i < kHeadSize * kQuad; ++i) {
          sums[i / kQuad] += weights[k + i % kQuad] * quads[i];
        }
      }
      const float scale = scratch.scales[first / kKeysOfScale * kQueries + r];
      for (std::size_t i = 0; i < kHeadSize; ++i) {
        queries.out[r * kHeadSize + i] += scale * static_cast<float>(sums[i]);
      }
    }
  }
}

struct ByProducts {
  static constexpr auto multiply_int8 = engine::multiply_int8;
  static constexpr auto score = engine::score;
  static constexpr auto add_values = engine::add_values;
};

}  // namespace
}  // namespace sotto::engine
