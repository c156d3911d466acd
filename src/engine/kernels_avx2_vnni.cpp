#include <cstddef>

#include "engine/kernels.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && defined(__AVXVNNI__)

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 8;
constexpr std::size_t kQueries = 3;
}  // namespace
}  // namespace sotto::engine

#include "engine/vnni_loops.h"

namespace sotto::engine {

const Kernels* avx2_vnni_kernels() {
  static constexpr Kernels kKernels = kernels_named<Vnni>("avx2_vnni");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* avx2_vnni_kernels() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
