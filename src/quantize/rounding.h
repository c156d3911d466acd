#pragma once

#include <cstddef>

// Loops over every weight or activation are compiled for AVX2 too and chosen at load time; sanitizers cannot
// run such a choice. No wider set: it would contract multiply and add, and give other values.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SOTTO_AVX2_CLONE __attribute__((target_clones("avx2", "default")))
#else
#define SOTTO_AVX2_CLONE
#endif

namespace sotto::quantize {

/// Half to even, for magnitudes below 2^22; unlike nearbyint this compiles to vector code on any x86.
inline float round_to_even(float x) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23
  return (x + kShift) - kShift;
}

/// Rounds to the nearest of `n_steps` + 1 values from `low` to `high`, as FakeQuantize does.
class Levels {
 public:
  static constexpr float kSteps8Bits = 255.0F;

  Levels(float low, float high, float n_steps = kSteps8Bits)
      : low_(low), high_(high), per_value_(n_steps / (high - low)), step_((high - low) / n_steps) {}

  float operator()(float x) const {
    const float above = x < low_ ? low_ : x;
    const float inside = above > high_ ? high_ : above;
    return low_ + round_to_even((inside - low_) * per_value_) * step_;
  }

 private:
  float low_;
  float high_;
  float per_value_;
  float step_;
};

}  // namespace sotto::quantize
