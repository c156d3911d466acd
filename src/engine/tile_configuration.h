#pragma once

#include <cstddef>
#include <cstdint>

namespace sotto::engine {

struct TileShape {
  std::uint8_t n_rows = 0;
  std::uint16_t n_bytes = 0;  ///< of a row
};

/// The eight tiles as LDTILECFG reads them: the first four as given, four of sums of n_sum_rows by 16
/// outputs. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, section 18.3.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t n_bytes[16] = {};
  std::uint8_t n_rows[16] = {};

  constexpr explicit TileConfiguration(const TileShape (&shapes)[4], std::uint8_t n_sum_rows = 16) {
    for (std::size_t i = 0; i < 4; ++i) {
      n_rows[i] = shapes[i].n_rows;
      n_bytes[i] = shapes[i].n_bytes;
      n_rows[4 + i] = n_sum_rows;
      n_bytes[4 + i] = 64;
    }
  }
};
static_assert(sizeof(TileConfiguration) == 64);

}  // namespace sotto::engine
