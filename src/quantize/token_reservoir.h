#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace sotto::quantize {

/// A random choice of the different tokens that were offered, the same for the same tokens in any order:
/// those whose hashes are smallest. So two reservoirs merge into what one would have kept of both their
/// tokens. Held in f16, saturating.
class TokenReservoir {
 public:
  static constexpr std::size_t kCapacity = 256;

  /// No value may be NaN.
  void offer(std::span<const float> token);
  void merge(const TokenReservoir& other);

  bool empty() const { return by_hash_.empty(); }
  std::size_t size() const { return by_hash_.size(); }
  /// In the order of their hashes.
  std::vector<std::vector<float>> rows() const;
  std::size_t size_bytes() const;

 private:
  std::map<std::uint64_t, std::vector<std::uint16_t>> by_hash_;  // f16
};

}  // namespace sotto::quantize
