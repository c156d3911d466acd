#pragma once

#include <array>
#include <cmath>
#include <numbers>

#include "audio/lanes.h"
#include "core/mel_filters.h"
#include "sotto/audio.h"

namespace sotto::audio {

inline constexpr std::size_t kBins = kMelFilterBins;
static_assert(kBins == kNFft / 2 + 1 && kSampleRateHz / kNFft == 40);

/// Eight real signals of 400 samples: [400][lane].
using FrameBatch = std::array<Lanes, kNFft>;
/// Their squared magnitudes: [201][lane].
using PowerBatch = std::array<Lanes, kBins>;

namespace fft400 {

inline constexpr std::size_t kHalf = kNFft / 2;

struct Complex {
  Lanes re;
  Lanes im;
};
struct Twiddle {
  float re;
  float im;
};

inline Complex operator+(const Complex& a, const Complex& b) {
  return {a.re + b.re, a.im + b.im};
}
inline Complex operator-(const Complex& a, const Complex& b) {
  return {a.re - b.re, a.im - b.im};
}
inline Complex operator*(const Complex& a, const Twiddle& w) {
  return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

/// exp(-2 pi i k / n), computed in double.
inline Twiddle root(std::size_t k, std::size_t n) {
  const double angle = -2.0 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

/// roots[k] = exp(-2 pi i k / 400): every twiddle below is one of these.
struct Roots {
  std::array<Twiddle, kNFft> at;
  Roots() {
    for (std::size_t k = 0; k < at.size(); ++k) {
      at[k] = root(k, kNFft);
    }
  }
};
inline const Roots& roots() {
  static const Roots kRoots;
  return kRoots;
}

template <std::size_t kRadix>
inline void butterfly(std::array<Complex, kRadix>& a);

template <>
inline void butterfly<2>(std::array<Complex, 2>& a) {
  a = {a[0] + a[1], a[0] - a[1]};
}

template <>
inline void butterfly<4>(std::array<Complex, 4>& a) {
  const Complex s02 = a[0] + a[2];
  const Complex d02 = a[0] - a[2];
  const Complex s13 = a[1] + a[3];
  const Complex d13 = a[1] - a[3];
  a = {s02 + s13, {d02.re + d13.im, d02.im - d13.re}, s02 - s13, {d02.re - d13.im, d02.im + d13.re}};
}

template <>
inline void butterfly<5>(std::array<Complex, 5>& a) {
  constexpr float kCos1 = 0.309016994374947F;   // cos(2 pi / 5)
  constexpr float kCos2 = -0.809016994374947F;  // cos(4 pi / 5)
  constexpr float kSin1 = 0.951056516295154F;
  constexpr float kSin2 = 0.587785252292473F;
  const Complex s14 = a[1] + a[4];
  const Complex d14 = a[1] - a[4];
  const Complex s23 = a[2] + a[3];
  const Complex d23 = a[2] - a[3];
  const Complex c1{a[0].re + s14.re * kCos1 + s23.re * kCos2, a[0].im + s14.im * kCos1 + s23.im * kCos2};
  const Complex c2{a[0].re + s14.re * kCos2 + s23.re * kCos1, a[0].im + s14.im * kCos2 + s23.im * kCos1};
  const Complex e1{d14.re * kSin1 + d23.re * kSin2, d14.im * kSin1 + d23.im * kSin2};
  const Complex e2{d14.re * kSin2 - d23.re * kSin1, d14.im * kSin2 - d23.im * kSin1};
  a = {a[0] + s14 + s23,
       {c1.re + e1.im, c1.im - e1.re},
       {c2.re + e2.im, c2.im - e2.re},
       {c2.re - e2.im, c2.im + e2.re},
       {c1.re - e1.im, c1.im + e1.re}};
}

/// One Stockham stage: kStride interleaved transforms of length kLength become kRadix times as many of
/// length kLength / kRadix.
template <std::size_t kRadix, std::size_t kLength, std::size_t kStride>
void stage(const Complex* in, Complex* out) {
  constexpr std::size_t kBlock = kLength / kRadix;
  const auto& w = roots().at;
  for (std::size_t p = 0; p < kBlock; ++p) {
    for (std::size_t q = 0; q < kStride; ++q) {
      std::array<Complex, kRadix> a;
      for (std::size_t k = 0; k < kRadix; ++k) {
        a[k] = in[q + kStride * (p + kBlock * k)];
      }
      butterfly<kRadix>(a);
      Complex* to = out + q + kStride * kRadix * p;
      to[0] = a[0];
      for (std::size_t j = 1; j < kRadix; ++j) {
        to[j * kStride] = p == 0 ? a[j] : a[j] * w[p * j * (kNFft / kLength)];
      }
    }
  }
}

}  // namespace fft400

/// |DFT|² of eight real signals of 400 samples each.
///
/// The 400 real samples are packed into 200 complex ones, transformed by Stockham stages of radix 5, 5, 4
/// and 2, and unpacked by symmetry. Relative error of the amplitudes is about 1e-7 of the largest. Inline, so
/// that it is compiled for the instructions of its caller.
inline void power_spectrum(const FrameBatch& frames, PowerBatch& power) {
  std::array<fft400::Complex, fft400::kHalf> z;
  std::array<fft400::Complex, fft400::kHalf> work;
  for (std::size_t n = 0; n < fft400::kHalf; ++n) {
    z[n] = {frames[2 * n], frames[2 * n + 1]};
  }
  fft400::stage<5, 200, 1>(z.data(), work.data());
  fft400::stage<5, 40, 5>(work.data(), z.data());
  fft400::stage<4, 8, 25>(z.data(), work.data());
  fft400::stage<2, 2, 100>(work.data(), z.data());

  for (std::size_t k = 0; k < kBins; ++k) {
    const fft400::Complex& a = z[k % fft400::kHalf];
    const fft400::Complex& b = z[(fft400::kHalf - k) % fft400::kHalf];
    const fft400::Complex even{(a.re + b.re) * 0.5F, (a.im - b.im) * 0.5F};
    const fft400::Complex odd{(a.im + b.im) * 0.5F, (b.re - a.re) * 0.5F};
    const fft400::Complex x = even + odd * fft400::roots().at[k];
    power[k] = x.re * x.re + x.im * x.im;
  }
}

}  // namespace sotto::audio
