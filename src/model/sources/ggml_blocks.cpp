#include "model/sources/ggml_blocks.h"

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>

#include <openvino/core/type/float16.hpp>

#include "core/parallel.h"

namespace sotto::model::sources {
namespace {

constexpr std::size_t kBlockValues = 32;
constexpr float kLargestF16 = 65504.0F;

using BlockValues = std::array<float, kBlockValues>;

float f16_at(const std::byte* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return static_cast<float>(ov::float16::from_bits(bits));
}

/// Nearest f16, ties to even, of a value within ±65504; in line, as it runs once for every weight.
std::uint16_t to_f16_bits(float value) {
  constexpr std::uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  constexpr std::uint32_t kExponentShift = 0x38000000;   // 127 - 15 in the exponent's place
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t size = bits & 0x7fffffffU;
  const std::uint32_t normal = (size + 0xfffU + ((size >> 13U) & 1U) - kExponentShift) >> 13U;
  // The steps of floats from 0.5 on are those of f16's subnormals: the addition rounds.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5F) - 0x3f000000U;
  return static_cast<std::uint16_t>(((bits >> 16U) & 0x8000U) |
                                    (size < kSmallestNormal ? subnormal : normal));
}

/// The low nibbles are the first half of the block, the high nibbles the second.
void unpack_nibbles(const std::byte* from, BlockValues& q) {
  constexpr std::size_t kHalf = kBlockValues / 2;
  for (std::size_t i = 0; i < kHalf; ++i) {
    const auto packed = std::to_integer<unsigned>(from[i]);
    q[i] = static_cast<float>(packed & 0x0FU);
    q[i + kHalf] = static_cast<float>(packed >> 4U);
  }
}

/// Adds the fifth bits, which lie one by one in a 32-bit word.
void add_fifth_bits(const std::byte* from, BlockValues& q) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, from, sizeof bits);
  for (std::size_t i = 0; i < kBlockValues; ++i) {
    q[i] += static_cast<float>(((bits >> i) & 1U) << 4U);
  }
}

void scale(float d, float m, BlockValues& q) {
  for (float& value : q) {
    value = value * d + m;
  }
}

void dequantize_block(GgmlType type, const std::byte* block, BlockValues& values) {
  const float d = f16_at(block);
  switch (type) {
    case GgmlType::q8_0:
      for (std::size_t i = 0; i < kBlockValues; ++i) {
        values[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * d;
      }
      return;
    case GgmlType::q4_0:
      unpack_nibbles(block + 2, values);
      for (float& value : values) {
        value = (value - 8.0F) * d;
      }
      return;
    case GgmlType::q4_1:
      unpack_nibbles(block + 4, values);
      return scale(d, f16_at(block + 2), values);
    case GgmlType::q5_0:
      unpack_nibbles(block + 6, values);
      add_fifth_bits(block + 2, values);
      for (float& value : values) {
        value = (value - 16.0F) * d;
      }
      return;
    case GgmlType::q5_1:
      unpack_nibbles(block + 8, values);
      add_fifth_bits(block + 4, values);
      return scale(d, f16_at(block + 2), values);
    case GgmlType::f32:
    case GgmlType::f16:
      break;
  }
}

/// False where a value does not fit f16.
bool dequantize_block_to_f16(GgmlType type, const std::byte* block, std::uint16_t* to) {
  BlockValues values = {};
  dequantize_block(type, block, values);
  bool fits = true;
  for (std::size_t i = 0; i < kBlockValues; ++i) {
    fits &= std::abs(values[i]) <= kLargestF16;
    to[i] = to_f16_bits(values[i]);
  }
  return fits;
}

}  // namespace

std::optional<GgmlBlock> ggml_block(GgmlType type) {
  switch (type) {
    case GgmlType::f32:
      return GgmlBlock{"f32", 1, 4};
    case GgmlType::f16:
      return GgmlBlock{"f16", 1, 2};
    case GgmlType::q4_0:
      return GgmlBlock{"q4_0", kBlockValues, 18};
    case GgmlType::q4_1:
      return GgmlBlock{"q4_1", kBlockValues, 20};
    case GgmlType::q5_0:
      return GgmlBlock{"q5_0", kBlockValues, 22};
    case GgmlType::q5_1:
      return GgmlBlock{"q5_1", kBlockValues, 24};
    case GgmlType::q8_0:
      return GgmlBlock{"q8_0", kBlockValues, 34};
  }
  return std::nullopt;
}

bool dequantize(GgmlType type, std::span<const std::byte> from, std::span<std::uint16_t> to) {
  constexpr std::size_t kBlocksPerThread = 4096;
  constexpr std::size_t kMaxThreads = 16;
  const std::size_t n_blocks = to.size() / kBlockValues;
  const std::size_t block_bytes = from.size() / n_blocks;
  std::atomic<bool> fits = true;
  parallel_chunks(n_blocks, kBlocksPerThread, kMaxThreads, [&](std::size_t first, std::size_t last) {
    for (std::size_t block = first; block < last; ++block) {
      if (!dequantize_block_to_f16(type, from.data() + block * block_bytes,
                                   to.data() + block * kBlockValues)) {
        fits = false;
      }
    }
  });
  return fits;
}

}  // namespace sotto::model::sources
