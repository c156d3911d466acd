#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace sotto::quantize {

/// A random choice of the different tokens that were offered, the same for the same tokens in any order:
/// those whose hashes are smallest. So two reservoirs merge into what one would have kept of both their
/// tokens. Held in f16, saturating, each with the number of positions it stands for.
class TokenReservoir {
 public:
  static constexpr std::size_t kCapacity = 256;

  /// No value may be NaN. Of a token that is offered again the positions are added.
  void offer(std::span<const float> token, std::uint64_t n_positions = 1);
  void merge(const TokenReservoir& other);

  bool empty() const { return by_hash_.empty(); }
  std::size_t size() const { return by_hash_.size(); }
  /// In the order of their hashes.
  std::vector<std::vector<float>> rows() const;
  /// How many positions each of rows() stands for.
  std::vector<std::uint64_t> counts() const;
  std::size_t size_bytes() const;

 private:
  struct Token {
    std::vector<std::uint16_t> halves;
    std::uint64_t n_positions = 0;
  };
  std::map<std::uint64_t, Token> by_hash_;
};

}  // namespace sotto::quantize
