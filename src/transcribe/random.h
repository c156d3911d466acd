#pragma once

#include <cstdint>
#include <initializer_list>

namespace sotto::transcribe {

/// A small random generator with the same numbers on every machine.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (SplitMix64), 2014.
class Random {
 public:
  /// Streams of different keys are independent.
  explicit Random(std::initializer_list<std::uint64_t> keys) {
    for (const std::uint64_t key : keys) {
      state_ = mix(state_ + kGamma) ^ key;
    }
  }

  std::uint64_t next() { return mix(state_ += kGamma); }
  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

 private:
  static constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15ULL;
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_ = 0;
};

}  // namespace sotto::transcribe
