#include <cstddef>

#include "engine/kernels.h"

namespace sotto::engine {
namespace {
constexpr std::size_t kLanes = 4;
constexpr std::size_t kQueries = 4;
}  // namespace
}  // namespace sotto::engine

#include "engine/products_loops.h"

namespace sotto::engine {
namespace {

void multiply_int8(const Product& product, const Rows& rows, std::size_t first, std::size_t last) {
  const std::size_t stride = stride_of(product, rows);
  for (std::size_t block = first; block < last; ++block) {
    const auto* weights = static_cast<const std::int8_t*>(product.weights) + block * product.n_in * kBlock;
    const Outputs outputs(product, rows, block);
    for (std::size_t row = 0; row < rows.n_rows; ++row) {
      const auto* x = static_cast<const std::uint8_t*>(rows.x) + row * stride;
      std::int32_t sums[kBlock] = {};
      for (std::size_t k = 0; k < product.n_in; ++k) {
        const std::int8_t* quad = weights + (k / kQuad * kBlock) * kQuad + k % kQuad;
        for (std::size_t i = 0; i < kBlock; ++i) {
          sums[i] += x[k] * quad[i * kQuad];
        }
      }
      outputs.put_integers(row, sums);
    }
  }
}

}  // namespace

const Kernels& plain_kernels() {
  static constexpr Kernels kKernels = kernels_named<ByProducts>("plain");
  return kKernels;
}

}  // namespace sotto::engine
