#pragma once

#include <cstddef>
#include <cstdint>

namespace sotto::audio {

/// Eight frames side by side: the mel front end works on eight frames at once so that every line of
/// scalar-looking arithmetic is one or two SIMD instructions on any processor (GCC and Clang vectors).
inline constexpr std::size_t kLanes = 8;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using IntLanes = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

/// log10 of positive normal numbers, within 1e-6 of the true value for arguments in [1e-10, 1e10].
///
/// Splits x = 2^e * m with m in [sqrt(1/2), sqrt(2)) and sums log(m) = 2 atanh((m - 1) / (m + 1)) up to
/// the 9th power, whose remainder is below 1e-9 there.
inline Lanes log10(Lanes x) {
  const IntLanes bits = reinterpret_cast<IntLanes>(x);
  const IntLanes exponent = (bits - 0x3f3504f3) >> 23;  // 0x3f3504f3 is sqrt(1/2)
  const Lanes m = reinterpret_cast<Lanes>(bits - (exponent << 23));
  const Lanes s = (m - 1.0F) / (m + 1.0F);
  const Lanes s2 = s * s;
  const Lanes atanh = s * (1.0F + s2 * (1.0F / 3 + s2 * (1.0F / 5 + s2 * (1.0F / 7 + s2 * (1.0F / 9)))));
  constexpr float kLog10Of2Head = 0.30078125F;  // times an exponent it is exact
  constexpr float kLog10Of2Tail = 0.000248745663981195F;
  constexpr float kTwoLog10OfE = 0.868588963806504F;
  const Lanes e = __builtin_convertvector(exponent, Lanes);
  return e * kLog10Of2Head + (e * kLog10Of2Tail + atanh * kTwoLog10OfE);
}

}  // namespace sotto::audio
