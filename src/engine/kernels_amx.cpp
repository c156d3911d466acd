#include <cstddef>

#include "engine/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VNNI__)

#include "engine/tile_configuration.h"

namespace sotto::engine {
namespace {

/// The processor's. As assembly, for the intrinsics of GCC 12 do not say what memory they read.
class Tiles {
 public:
  explicit Tiles(const TileConfiguration& configuration) {
    asm volatile("ldtilecfg %0" ::"m"(configuration));
  }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

  template <int tile>
  void zero() const {
    asm volatile("tilezero %%tmm%c0" ::"i"(tile));
  }
  template <int tile>
  void load(const void* from, std::size_t stride) const {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(tile) : "memory");
  }
  template <int tile>
  void store(void* to, std::size_t stride) const {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(tile) : "memory");
  }
  template <int sums, int rows, int columns>
  void add_products() const {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sums), "i"(rows), "i"(columns));
  }
};

}  // namespace
}  // namespace sotto::engine

#include "engine/amx_loops.h"

namespace sotto::engine {

const Kernels* amx_kernels() {
  static constexpr Kernels kKernels = kernels_named<Amx>("avx512_amx");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* amx_kernels() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
