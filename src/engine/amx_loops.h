#pragma once

// Products of u8 × i8 in tiles of 16 rows by 64 bytes. The sums are vnni_loops.h's to the bit, which does
// what is left of rows, inputs and queries. The file that includes this has the tile registers: a class Tiles
// that holds them in a TileConfiguration as long as it lives, with zero<tile>(), load<tile>(from, stride),
// store<tile>(to, stride) and add_products<sums, rows, columns>(), strides in bytes.

#include <cstddef>

#include "engine/tile_configuration.h"

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 16;
constexpr std::size_t kQueries = 16;
}  // namespace
}  // namespace sotto::engine

#include "engine/vnni_loops.h"

namespace sotto::engine {
namespace {
namespace amx {

constexpr std::size_t kTileRows = 16;
constexpr std::size_t kTileBytes = 64;
constexpr int kSums = 4;  // the first of four tiles of sums in each configuration

/// Calls work<0>() ... work<n - 1>().
template <int n, typename Work>
[[gnu::always_inline]] inline void each(const Work& work) {
  if constexpr (n > 0) {
    each<n - 1>(work);
    work.template operator()<n - 1>();
  }
}

/// Adds a row's products with inputs from `first` on, which do not fill a tile.
template <std::size_t kColumns>
inline void add_rest(const Product& product,
                     const std::uint8_t* x,
                     const std::int8_t* weights,
                     std::size_t first,
                     std::int32_t (&sums)[kColumns]) {
  for (std::size_t b = 0; b < kColumns / kBlock; ++b) {
    auto sum = load<IntLanes>(sums + b * kBlock);
    for (std::size_t k = first; k < product.n_in; k += kQuad) {
      sum = vnni::add_products(sum, vnni::quads_of(x + k),
                               load<IntLanes>(weights + (b * product.n_in + k) * kBlock));
    }
    store(sums + b * kBlock, sum);
  }
}

/// kInputs tiles of rows, n_rows in all, by kBlocks blocks of outputs.
template <int kInputs, int kBlocks>
inline void multiply(const Tiles& tiles,
                     const Product& product,
                     const Rows& rows,
                     std::size_t block,
                     std::size_t row,
                     std::size_t n_rows) {
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
  for (std::size_t r = 0; n_whole < n_in && r < n_rows; ++r) {
    add_rest(product, x + r * stride, weights, n_whole, sums[r]);
  }
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const Outputs outputs(product, rows, block + b);
    for (std::size_t r = 0; r < n_rows; ++r) {
      outputs.put_integers(row + r, &sums[r][b * kBlock]);
    }
  }
}

/// Two tiles of rows at a time, then one, which may be of fewer rows; so few that a tile would be mostly
/// empty are done in registers.
void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  constexpr std::size_t kFewest = 4;
  constexpr std::size_t kPair = 2 * kTileRows;
  const std::size_t n_paired = rows.n_rows / kPair * kPair;
  std::size_t row = n_paired;
  if (n_paired > 0) {
    static constexpr TileConfiguration kPairs({{16, 64}, {16, 64}, {16, 64}, {16, 64}});
    const Tiles tiles(kPairs);
    over_blocks(first, last, [&]<int kBlocks>(std::size_t block) {
      for (std::size_t pair = 0; pair < n_paired; pair += kPair) {
        multiply<2, kBlocks>(tiles, product, rows, block, pair, kPair);
      }
    });
  }
  for (std::size_t n = 0; row + kFewest <= rows.n_rows; row += n) {
    n = rows.n_rows - row < kTileRows ? rows.n_rows - row : kTileRows;
    const auto n_tile_rows = static_cast<std::uint8_t>(n);
    const Tiles tiles(TileConfiguration({{n_tile_rows, 64}, {}, {16, 64}, {16, 64}}, n_tile_rows));
    over_blocks(first, last, [&]<int kBlocks>(std::size_t block) {
      multiply<1, kBlocks>(tiles, product, rows, block, row, n);
    });
  }
  if (row < rows.n_rows) {
    Rows left = rows;
    left.x = static_cast<const std::uint8_t*>(rows.x) + row * stride_of(product, rows);
    left.y = rows.y + row * rows.y_stride;
    left.n_rows = rows.n_rows - row;
    vnni::multiply_int8(product, left, first, last);
  }
}

static_assert(kQueries == kTileRows && kHeadSize == kTileBytes && kLanes == kBlock);

/// A tile of queries by two of keys.
constexpr TileConfiguration kScores({{16, 64}, {}, {16, 64}, {16, 64}});
/// A tile of weights by one of the values of as many keys.
constexpr TileConfiguration kValues({{16, kKeysOfScale}, {}, {kKeysOfScale / kQuad, 64}, {}});

/// Calls multiply<t>(i) and take<t>(i) for n times kKeysOfScale keys, t being 0 and 1 in turn: the tiles work
/// on the next keys while what they had of these is taken.
template <typename Multiply, typename Take>
[[gnu::always_inline]] inline void in_turn(std::size_t n, const Multiply& multiply, const Take& take) {
  multiply.template operator()<0>(0);
  for (std::size_t i = 0; i < n; i += 2) {
    if (i + 1 < n) {
      multiply.template operator()<1>(i + 1);
    }
    take.template operator()<0>(i);
    if (i + 2 < n) {
      multiply.template operator()<0>(i + 2);
    }
    if (i + 1 < n) {
      take.template operator()<1>(i + 1);
    }
  }
}

void score(const Product& keys, const Queries& queries, const Scratch& scratch) {
  if (queries.n < kQueries) {
    return vnni::score(keys, queries, scratch);
  }
  const Tiles tiles(kScores);
  tiles.load<0>(queries.first, queries.stride);
  in_turn(
      keys.n_out / kKeysOfScale,
      [&]<int t>(std::size_t i) {
        const auto* const key = static_cast<const std::int8_t*>(keys.weights) + i * kKeysOfScale * kHeadSize;
        each<2>([&]<int b>() {
          tiles.template zero<kSums + 2 * t + b>();
          tiles.template load<2 + b>(key + b * kBlock * kHeadSize, kBlock * kQuad);
          tiles.template add_products<kSums + 2 * t + b, 0, 2 + b>();
        });
      },
      [&]<int t>(std::size_t i) {
        IntLanes sums[kQueries][vnni::kScaleParts];
        each<2>([&]<int b>() { tiles.template store<kSums + 2 * t + b>(&sums[0][b], sizeof(sums[0])); });
        vnni::put_scores<kQueries>(keys, 0, i * kKeysOfScale, sums, scratch);
      });
}

/// A tile's columns at a time, whose sums stay in registers: GCC 12 keeps them in memory unless all of this
/// is inlined before it looks for what can be in registers.
void add_values(const HeadKeys& head, const Queries& queries, const Scratch& scratch) {
  if (queries.n < kQueries) {
    return vnni::add_values(head, queries, scratch);
  }
  const std::size_t n = head.keys.n_out;
  const Tiles tiles(kValues);
  for (std::size_t column = 0; column < kHeadSize; column += kLanes) {
    float* const out = queries.out + column;
    Lanes all_sums[kQueries];
    each<kQueries>([&]<int r>() { all_sums[r] = load<Lanes>(out + r * kHeadSize); });
    in_turn(
        n / kKeysOfScale,
        [&]<int t>(std::size_t i) __attribute__((always_inline)) {
          const auto* const weights =
              reinterpret_cast<const std::uint8_t*>(scratch.scores) + i * kKeysOfScale;
          const auto* const values =
              static_cast<const std::int8_t*>(head.values) + i * kKeysOfScale * kHeadSize + column * kQuad;
          tiles.template zero<kSums + t>();
          tiles.template load<0>(weights, n * sizeof(float));
          tiles.template load<2>(values, kHeadSize * kQuad);
          tiles.template add_products<kSums + t, 0, 2>();
        },
        [&]<int t>(std::size_t i) __attribute__((always_inline)) {
          IntLanes sums[kQueries];
          const float* const scales = scratch.scales + i * kQueries;
          tiles.template store<kSums + t>(sums, sizeof(sums[0]));
          each<kQueries>([&]<int r>() {
            all_sums[r] = multiply_add(vnni::floats_of(sums[r]), all(scales[r]), all_sums[r]);
          });
        });
    each<kQueries>([&]<int r>() { store(out + r * kHeadSize, all_sums[r]); });
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
