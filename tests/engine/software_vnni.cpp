#include <cstddef>

#include "engine/kernels.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 8;
constexpr std::size_t kQueries = 3;
}  // namespace
}  // namespace sotto::engine

#include "engine/vnni_loops.h"

namespace sotto::engine {
namespace {

/// VPDPBUSD. Nothing of the standard library: see kernels.h.
inline IntLanes vnni::add_products(IntLanes sums, IntLanes quads, IntLanes weights) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (int k = 0; k < 32; k += 8) {
      sums[lane] +=
          static_cast<std::uint8_t>(quads[lane] >> k) * static_cast<std::int8_t>(weights[lane] >> k);
    }
  }
  return sums;
}

}  // namespace

const Kernels* kernels_on_software_vnni();  // tested_kernels.h, which has the standard library

const Kernels* kernels_on_software_vnni() {
  static constexpr Kernels kKernels = kernels_named<Vnni>("software_vnni");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* kernels_on_software_vnni();
const Kernels* kernels_on_software_vnni() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
