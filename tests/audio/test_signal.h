#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace sotto::audio {

/// The signal of tests/golden/audio/make.py, sample for sample: a chirp and noise whose loudness steps.
class TestSignal {
 public:
  float next() {
    state_ = state_ * 1664525U + 1013904223U;
    phase_ = (phase_ + 200 + static_cast<int>((i_ / 40) % 6000)) % 65536;
    const int triangle = std::abs(phase_ - 32768) - 16384;
    const int loud = 1 + static_cast<int>((i_ / 4000) % 8);
    const int noise = static_cast<int>(state_ >> 16) % 2048 - 1024;
    ++i_;
    return loud == 8
               ? 0.0F
               : static_cast<float>(floor_divide(triangle * loud, 16) + floor_divide(noise, loud)) / 32768.0F;
  }

 private:
  static int floor_divide(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

  std::uint32_t state_ = 12345;
  int phase_ = 0;
  std::size_t i_ = 0;
};

inline std::vector<float> test_signal(std::size_t n_samples) {
  TestSignal signal;
  std::vector<float> samples(n_samples);
  for (float& x : samples) {
    x = signal.next();
  }
  return samples;
}

}  // namespace sotto::audio
