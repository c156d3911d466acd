#pragma once

#include <bit>
#include <cstdint>

namespace sotto::quantize {

inline constexpr float kMaxHalf = 65504.0F;

/// The value of a finite f16, in a form that compiles to vector code.
inline float from_half_bits(std::uint16_t half) {
  constexpr float kExponentShift = 0x1p112F;  // from the bias of f16's exponent to that of f32
  const std::uint32_t bits = half;
  const float magnitude = std::bit_cast<float>((bits & 0x7FFFU) << 13U) * kExponentShift;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | (bits & 0x8000U) << 16U);
}

/// The f16 nearest to |x| <= kMaxHalf, half to even, as f32, in a form that compiles to vector code.
inline float round_to_half(float x) {
  constexpr float kMinNormal = 0x1p-14F;
  constexpr float kSubnormalShift = 0.5F;  // a unit of its last place is that of subnormal f16, 2^-24
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const float magnitude = std::bit_cast<float>(bits & 0x7FFFFFFFU);
  const std::uint32_t odd = (bits >> 13U) & 1U;
  const std::uint32_t rounded = ((bits & 0x7FFFFFFFU) + 0xFFFU + odd) & ~0x1FFFU;
  const float small = (magnitude + kSubnormalShift) - kSubnormalShift;
  const std::uint32_t nearest = magnitude < kMinNormal ? std::bit_cast<std::uint32_t>(small) : rounded;
  return std::bit_cast<float>(nearest | (bits & 0x80000000U));
}

/// The same of any x that is not NaN: what f16 cannot hold becomes its largest value.
inline float saturate_to_half(float x) {
  const float above = x < -kMaxHalf ? -kMaxHalf : x;
  return round_to_half(above > kMaxHalf ? kMaxHalf : above);
}

/// The bits of an f16 that is held as f32.
inline std::uint16_t to_half_bits(float half) {
  constexpr float kExponentShift = 0x1p-112F;
  const auto bits = std::bit_cast<std::uint32_t>(half);
  const float magnitude = std::bit_cast<float>(bits & 0x7FFFFFFFU) * kExponentShift;
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(magnitude) >> 13U | (bits >> 16U & 0x8000U));
}

}  // namespace sotto::quantize
