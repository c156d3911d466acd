#pragma once

// Products of u8 × i8 in tiles of 16 rows by 64 bytes. The sums are vnni_loops.h's to the bit, which does
// what is left of rows, inputs and queries. The file that includes this has the tile registers: a class Tiles
// that holds them in a TileConfiguration as long as it lives, with zero<tile>(), load<tile>(from, stride),
// store<tile>(to, stride) and add_products<sums, rows, columns>(), strides in bytes.

#include "engine/tile_configuration.h"
#include "engine/vnni_loops.h"

namespace sotto::engine {
namespace {
namespace amx {

constexpr std::size_t kTileRows = 16;
constexpr std::size_t kTileBytes = 64;
constexpr int kSums = 4;  // the first of four tiles of sums in each configuration

/// Calls work<0>() ... work<n - 1>().
template <int n, typename Work>
inline void each(const Work& work) {
  if constexpr (n > 0) {
    each<n - 1>(work);
    work.template operator()<n - 1>();
  }
}

/// Two tiles of inputs and two of weights, all full.
constexpr TileConfiguration kProducts({{16, 64}, {16, 64}, {16, 64}, {16, 64}});

/// kInputs tiles of rows by kBlocks blocks of outputs.
template <int kInputs, int kBlocks>
inline void multiply(
    const Tiles& tiles, const Product& product, const Rows& rows, std::size_t row, std::size_t block) {
  constexpr int kWeights = 2;  // the first tile of them
  constexpr std::size_t kColumns = kBlocks * kBlock;
  const std::size_t n_in = product.n_in;
  const std::size_t n_whole = n_in / kTileBytes * kTileBytes;
  const std::size_t stride = stride_of(product, rows);
  const auto* const x = static_cast<const std::uint8_t*>(rows.x) + row * stride;
  const auto* const weights = static_cast<const std::int8_t*>(product.weights) + block * n_in * kBlock;
  each<kInputs * kBlocks>([&]<int i>() { tiles.template zero<kSums + i>(); });
  for (std::size_t k = 0; k < n_whole; k += kTileBytes) {
    each<kBlocks>([&]<int b>() {
      tiles.template load<kWeights + b>(weights + (b * n_in + k) * kBlock, kBlock * kQuad);
    });
    each<kInputs>([&]<int i>() {
      tiles.template load<i>(x + i * kTileRows * stride + k, stride);
      each<kBlocks>(
          [&]<int b>() { tiles.template add_products<kSums + i * kBlocks + b, i, kWeights + b>(); });
    });
  }
  std::int32_t sums[kInputs * kTileRows][kColumns];
  each<kInputs * kBlocks>([&]<int i>() {
    tiles.template store<kSums + i>(&sums[i / kBlocks * kTileRows][i % kBlocks * kBlock], sizeof(sums[0]));
  });
  for (std::size_t r = 0; r < kInputs * kTileRows; ++r) {
    for (std::size_t b = 0; b < kBlocks; ++b) {
      auto sum = load<IntLanes>(&sums[r][b * kBlock]);
      for (std::size_t k = n_whole; k < n_in; k += kQuad) {
        sum = vnni::add_products(sum, vnni::quads_of(x + r * stride + k),
                                 load<IntLanes>(weights + (b * n_in + k) * kBlock));
      }
      const Lanes floats = vnni::floats_of(sum);
      put(product, rows, row + r, block + b, &floats);
    }
  }
}

/// Two tiles of rows at a time and then one; each block's weights stay in the first cache for all of them.
template <int kBlocks>
inline void multiply_blocks(const Tiles& tiles, const Product& product, const Rows& rows, std::size_t block) {
  std::size_t row = 0;
  for (; row + 2 * kTileRows <= rows.n_rows; row += 2 * kTileRows) {
    multiply<2, kBlocks>(tiles, product, rows, row, block);
  }
  if (row + kTileRows <= rows.n_rows) {
    multiply<1, kBlocks>(tiles, product, rows, row, block);
  }
}

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  const std::size_t n_tiled = rows.n_rows / kTileRows * kTileRows;
  if (n_tiled > 0) {
    const Tiles tiles(kProducts);
    std::size_t block = first;
    for (; block + 2 <= last; block += 2) {
      multiply_blocks<2>(tiles, product, rows, block);
    }
    if (block < last) {
      multiply_blocks<1>(tiles, product, rows, block);
    }
  }
  if (n_tiled < rows.n_rows) {
    Rows left = rows;
    left.x = static_cast<const std::uint8_t*>(rows.x) + n_tiled * stride_of(product, rows);
    left.y = rows.y + n_tiled * rows.y_stride;
    left.n_rows = rows.n_rows - n_tiled;
    vnni::multiply_int8(product, left, first, last);
  }
}

static_assert(kQueries == kTileRows && kHeadSize == kTileBytes && kLanes == kBlock);

/// A tile of queries by two of keys.
constexpr TileConfiguration kScores({{16, 64}, {}, {16, 64}, {16, 64}});
/// A tile of weights by two of the values of as many keys.
constexpr TileConfiguration kValues(
    {{16, kKeysOfScale}, {}, {kKeysOfScale / kQuad, 64}, {kKeysOfScale / kQuad, 64}});

/// All queries by kKeysOfScale keys, in two tiles from `to` on.
template <int to>
inline void multiply_keys(const Tiles& tiles, const std::int8_t* keys) {
  each<2>([&]<int b>() {
    tiles.template zero<to + b>();
    tiles.template load<2 + b>(keys + b * kBlock * kHeadSize, kBlock * kQuad);
    tiles.template add_products<to + b, 0, 2 + b>();
  });
}

template <int from>
inline void put_scores(const Tiles& tiles, const Product& keys, std::size_t key, const Scratch& scratch) {
  IntLanes sums[kQueries][vnni::kScaleParts];
  each<2>([&]<int b>() { tiles.template store<from + b>(&sums[0][b], sizeof(sums[0])); });
  for (std::size_t row = 0; row < kQueries; row += 4) {
    vnni::put_scores<4>(keys, row, key, sums + row, scratch);
  }
}

/// The tiles work on the next keys while what they had of these is written.
void score(const Product& keys, const Queries& queries, const Scratch& scratch) {
  if (queries.n < kQueries) {
    return vnni::score(keys, queries, scratch);
  }
  constexpr std::size_t kBytes = kKeysOfScale * kHeadSize;
  const auto* key = static_cast<const std::int8_t*>(keys.weights);
  const Tiles tiles(kScores);
  tiles.load<0>(queries.first, queries.stride);
  multiply_keys<kSums>(tiles, key);
  for (std::size_t i = 0; i < keys.n_out; i += 2 * kKeysOfScale, key += 2 * kBytes) {
    const bool has_second = i + kKeysOfScale < keys.n_out;
    if (has_second) {
      multiply_keys<kSums + 2>(tiles, key + kBytes);
    }
    put_scores<kSums>(tiles, keys, i, scratch);
    if (i + 2 * kKeysOfScale < keys.n_out) {
      multiply_keys<kSums>(tiles, key + 2 * kBytes);
    }
    if (has_second) {
      put_scores<kSums + 2>(tiles, keys, i + kKeysOfScale, scratch);
    }
  }
}

void add_values(const HeadKeys& head, const Queries& queries, const Scratch& scratch) {
  if (queries.n < kQueries) {
    return vnni::add_values(head, queries, scratch);
  }
  const std::size_t n = head.keys.n_out;
  const auto* weights = reinterpret_cast<const std::uint8_t*>(scratch.scores);
  const auto* values = static_cast<const std::int8_t*>(head.values);
  const float* scales = scratch.scales;
  const Tiles tiles(kValues);
  for (std::size_t i = 0; i < n; i += kKeysOfScale, scales += kQueries, values += kKeysOfScale * kHeadSize) {
    IntLanes sums[kQueries][kHeadParts];
    tiles.load<0>(weights + i, n * sizeof(float));
    each<kHeadParts>([&]<int p>() {
      tiles.template zero<kSums + p>();
      tiles.template load<2 + p % 2>(values + p * kLanes * kQuad, kHeadSize * kQuad);
      tiles.template add_products<kSums + p, 0, 2 + p % 2>();
    });
    each<kHeadParts>([&]<int p>() { tiles.template store<kSums + p>(&sums[0][p], sizeof(sums[0])); });
    for (std::size_t r = 0; r < kQueries; ++r) {
      vnni::add_scaled(sums[r], scales[r], queries.out + r * kHeadSize);
    }
  }
}

}  // namespace amx

struct Amx {
  static constexpr auto multiply_int8 = amx::multiply_int8;
  static constexpr auto score = amx::score;
  static constexpr auto add_values = amx::add_values;
};

}  // namespace
}  // namespace sotto::engine
