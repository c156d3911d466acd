#include "engine/linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/parallel.h"

namespace sotto::engine {
namespace {

/// As FakeQuantize does, in place.
void round_values(const Kernels& kernels, const OutputForm& form, float* x, std::size_t n) {
  std::array<std::uint8_t, 2 * kHeadSize> levels;
  for (std::size_t first = 0; first < n; first += levels.size()) {
    const std::size_t n_levels = std::min(levels.size(), n - first);
    kernels.quantize(x + first, n_levels, form.low, form.step, levels.data());
    for (std::size_t i = 0; i < n_levels; ++i) {
      x[first + i] = (form.low + static_cast<float>(levels[i]) * form.step) * form.factor;
    }
  }
}

constexpr std::size_t kMaxThreads = 8;
constexpr std::size_t kLeastBlocks = 64;  // worth a thread

/// Copies to [n_blocks][n_in / group][kBlock][group], zeros behind the last output.
template <typename T>
void pack(const WeightValues& weight, std::size_t group, std::byte* to) {
  const auto* values = static_cast<const T*>(weight.values);
  auto* const packed = reinterpret_cast<T*>(to);
  const std::size_t n_blocks = (weight.n_out + kBlock - 1) / kBlock;
  parallel_chunks(n_blocks, kLeastBlocks, kMaxThreads, [&](std::size_t first, std::size_t last) {
    for (std::size_t block = first; block < last; ++block) {
      T* const out = packed + block * weight.n_in * kBlock;
      for (std::size_t i = 0; i < kBlock; ++i) {
        const std::size_t row = block * kBlock + i;
        for (std::size_t k = 0; k < weight.n_in; k += group) {
          T* const at = out + (k / group * kBlock + i) * group;
          if (row < weight.n_out) {
            std::copy_n(values + row * weight.n_in + k, group, at);
          } else {
            std::fill_n(at, group, T{});
          }
        }
      }
    }
  });
}

/// What is unsigned as signed, 128 less.
void center(std::span<std::byte> integers) {
  for (std::byte& x : integers) {
    x ^= std::byte{0x80};
  }
}

/// For each output the sum of its integers.
std::vector<float> row_sums(const WeightValues& weight) {
  const auto* values = static_cast<const std::int8_t*>(weight.values);
  std::vector<float> sums(weight.n_out);
  for (std::size_t row = 0; row < weight.n_out; ++row) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < weight.n_in; ++k) {
      sum += values[row * weight.n_in + k];
    }
    sums[row] = static_cast<float>(sum);
  }
  return sums;
}

std::string_view precision_of(WeightStore store) {
  switch (store) {
    case WeightStore::int8:
      return "I8";
    case WeightStore::int8_weights:
      return "I8_weights";
    case WeightStore::f16:
      return "FP16";
    case WeightStore::bf16:
      return "BF16";
    case WeightStore::f32:
      break;
  }
  return "FP32";
}

std::size_t size_of(WeightStore store) {
  switch (store) {
    case WeightStore::int8:
    case WeightStore::int8_weights:
      return 1;
    case WeightStore::f16:
    case WeightStore::bf16:
      return 2;
    case WeightStore::f32:
      break;
  }
  return 4;
}

}  // namespace

Linear::Linear(const WeightValues& weight, InputForm input, std::span<const float> bias, float factor)
    : input_(std::move(input)), store_(weight.store) {
  product_.n_in = weight.n_in;
  product_.n_out = weight.n_out;
  const std::size_t n_padded = n_blocks() * kBlock;
  packed_ = AlignedBytes(n_padded * weight.n_in * size_of(weight.store));
  switch (weight.store) {
    case WeightStore::int8:
      pack<std::int8_t>(weight, kQuad, packed_.data());
      break;
    case WeightStore::int8_weights:
      pack<std::int8_t>(weight, 1, packed_.data());
      break;
    case WeightStore::f16:
    case WeightStore::bf16:
      pack<std::uint16_t>(weight, 1, packed_.data());
      break;
    case WeightStore::f32:
      pack<float>(weight, 1, packed_.data());
      break;
  }
  scale_.assign(n_padded, factor);
  offset_.assign(n_padded, 0.0F);
  for (std::size_t i = 0; i < weight.n_out; ++i) {
    scale_[i] *= weight.scale.empty() ? 1.0F : weight.scale[i];
    offset_[i] = bias.empty() ? 0.0F : bias[i] * factor;
  }
  if (weight.store == WeightStore::int8) {
    // Σ (low + step · q) · w = low · Σ w + step · Σ q · w.
    const std::vector<float> sums = row_sums(weight);
    for (std::size_t i = 0; i < weight.n_out; ++i) {
      offset_[i] += input_.low * sums[i] * scale_[i];
      scale_[i] *= input_.step;
    }
  }
  if (weight.is_unsigned) {
    center({packed_.data(), n_padded * weight.n_in});
  }
  if (!weight.zero_point.empty() || weight.is_unsigned) {
    zero_point_.assign(n_padded, 0.0F);
    for (std::size_t i = 0; i < weight.n_out; ++i) {
      zero_point_[i] =
          (weight.zero_point.empty() ? 0.0F : weight.zero_point[i]) - (weight.is_unsigned ? 128.0F : 0.0F);
    }
    product_.zero_point = zero_point_.data();
  }
  product_.weights = packed_.data();
  product_.scale = scale_.data();
  product_.offset = offset_.data();
}

std::string Linear::kernel_name(const Kernels& kernels) const {
  return fmt::format("sotto_{}_{}", kernels.name, precision_of(store_));
}

void Linear::multiply_blocks(const Kernels& kernels,
                             const Rows& rows,
                             std::size_t first,
                             std::size_t last) const {
  switch (store_) {
    case WeightStore::int8:
      return kernels.multiply_int8(product_, rows, first, last);
    case WeightStore::int8_weights:
      return kernels.multiply_int8_weights(product_, rows, first, last);
    case WeightStore::f16:
      return kernels.multiply_f16(product_, rows, first, last);
    case WeightStore::bf16:
      return kernels.multiply_bf16(product_, rows, first, last);
    case WeightStore::f32:
      return kernels.multiply_f32(product_, rows, first, last);
  }
}

void Linear::multiply(const Kernels& kernels, const Rows& rows, std::size_t first, std::size_t last) const {
  multiply_blocks(kernels, rows, first, last);
  const std::size_t n = std::min(last * kBlock, n_out()) - first * kBlock;
  float* y = rows.y + (first - rows.y_block) * kBlock;
  for (std::size_t row = 0; row < rows.n_rows && output_.step != 0.0F; ++row, y += rows.y_stride) {
    round_values(kernels, output_, y, n);
  }
}

}  // namespace sotto::engine
