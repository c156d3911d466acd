#pragma once

namespace sotto::quantize {

/// Half to even, for magnitudes below 2^22; unlike nearbyint this compiles to vector code on any x86.
inline float round_to_even(float x) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (x + kShift) - kShift;
}

}  // namespace sotto::quantize
