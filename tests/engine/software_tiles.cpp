#include <cstddef>
#include <cstdint>

#include "engine/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VNNI__)

#include "engine/tile_configuration.h"

namespace sotto::engine {
namespace {

/// What the manual says of LDTILECFG, TILELOADD, TILESTORED, TILEZERO and TDPBUSD; ends the program where a
/// processor would refuse the instruction. Nothing of the standard library: see kernels.h.
class Tiles {
 public:
  explicit Tiles(const TileConfiguration& configuration) : configuration_(configuration) {
    require(configuration.palette == 1 && configuration.start_row == 0);
    for (const std::uint8_t reserved : configuration.reserved) {
      require(reserved == 0);
    }
    for (std::size_t i = 0; i < 16; ++i) {
      require(configuration.n_rows[i] <= 16 && configuration.n_bytes[i] <= 64);
      require((configuration.n_rows[i] == 0) == (configuration.n_bytes[i] == 0));
      require(i < 8 || configuration.n_rows[i] == 0);
    }
  }

  template <int tile>
  void zero() const {
    require_shape<tile>();
    fill(tile, [](std::size_t, std::size_t) { return std::uint8_t{0}; });
  }

  template <int tile>
  void load(const void* from, std::size_t stride) const {
    require_shape<tile>();
    const auto* const bytes = static_cast<const std::uint8_t*>(from);
    fill(tile, [&](std::size_t row, std::size_t i) { return bytes[row * stride + i]; });
  }

  template <int tile>
  void store(void* to, std::size_t stride) const {
    require_shape<tile>();
    for (std::size_t row = 0; row < configuration_.n_rows[tile]; ++row) {
      for (std::size_t i = 0; i < configuration_.n_bytes[tile]; ++i) {
        static_cast<std::uint8_t*>(to)[row * stride + i] = bytes_[tile][row][i];
      }
    }
  }

  template <int sums, int rows, int columns>
  void add_products() const {
    static_assert(sums != rows && sums != columns && rows != columns);
    require(configuration_.n_rows[sums] == configuration_.n_rows[rows]);
    require(configuration_.n_bytes[sums] == configuration_.n_bytes[columns]);
    require(configuration_.n_bytes[rows] == 4 * configuration_.n_rows[columns]);
    for (std::size_t row = 0; row < configuration_.n_rows[sums]; ++row) {
      for (std::size_t i = 0; i < configuration_.n_bytes[sums]; i += 4) {
        std::int32_t sum = 0;
        __builtin_memcpy(&sum, bytes_[sums][row] + i, 4);
        for (std::size_t k = 0; k < configuration_.n_bytes[rows]; ++k) {
          sum += bytes_[rows][row][k] * static_cast<std::int8_t>(bytes_[columns][k / 4][i + k % 4]);
        }
        __builtin_memcpy(bytes_[sums][row] + i, &sum, 4);
      }
    }
  }

 private:
  static void require(bool is_allowed) {
    if (!is_allowed) {
      __builtin_trap();
    }
  }

  template <int tile>
  void require_shape() const {
    static_assert(tile >= 0 && tile < 8);
    require(configuration_.n_rows[tile] > 0);
  }

  template <typename Byte>
  void fill(int tile, const Byte& byte) const {
    for (std::size_t row = 0; row < 16; ++row) {
      for (std::size_t i = 0; i < 64; ++i) {
        const bool is_inside = row < configuration_.n_rows[tile] && i < configuration_.n_bytes[tile];
        bytes_[tile][row][i] = is_inside ? byte(row, i) : std::uint8_t{0};
      }
    }
  }

  TileConfiguration configuration_;
  mutable std::uint8_t bytes_[8][16][64] = {};
};

}  // namespace
}  // namespace sotto::engine

#include "engine/amx_loops.h"

namespace sotto::engine {

const Kernels* kernels_on_software_tiles();  // tested_kernels.h, which has the standard library

const Kernels* kernels_on_software_tiles() {
  static constexpr Kernels kKernels = kernels_named<Amx>("software_tiles");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* kernels_on_software_tiles();
const Kernels* kernels_on_software_tiles() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
