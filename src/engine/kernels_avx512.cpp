#include <cstddef>

#include "engine/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VNNI__)

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 16;
constexpr std::size_t kQueries = 4;
}  // namespace
}  // namespace sotto::engine

#include "engine/vnni_loops.h"

namespace sotto::engine {

const Kernels* avx512_kernels() {
  static constexpr Kernels kKernels = kernels_named<Vnni>("avx512_vnni");
  return &kKernels;
}

}  // namespace sotto::engine

#else

namespace sotto::engine {
const Kernels* avx512_kernels() {
  return nullptr;
}
}  // namespace sotto::engine

#endif
