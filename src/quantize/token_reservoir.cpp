#include "quantize/token_reservoir.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "quantize/half.h"

namespace sotto::quantize {
namespace {

/// Of the values in f16.
std::uint64_t hash_of(std::span<const float> token) {
  // Lanes beside each other: one long chain of products would take several times as long.
  constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15ULL;
  constexpr std::size_t kLanes = 8;
  std::uint64_t lanes[kLanes] = {token.size(), 1, 2, 3, 4, 5, 6, 7};
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::uint64_t& lane = lanes[i % kLanes];
    lane = (lane ^ std::bit_cast<std::uint32_t>(saturate_to_half(token[i]))) * kPrime;
    lane ^= lane >> 32U;
  }
  std::uint64_t hash = 0;
  for (const std::uint64_t lane : lanes) {
    hash = (hash ^ lane) * kPrime;
    hash ^= hash >> 32U;
  }
  return hash;
}

}  // namespace

void TokenReservoir::offer(std::span<const float> token, std::uint64_t n_positions) {
  const std::uint64_t hash = hash_of(token);
  if (by_hash_.size() == kCapacity && !by_hash_.contains(hash)) {
    const auto largest = std::prev(by_hash_.end());
    if (hash >= largest->first) {
      return;
    }
    by_hash_.erase(largest);
  }
  Token& kept = by_hash_[hash];
  kept.n_positions += n_positions;
  if (kept.halves.empty()) {
    std::ranges::transform(token, std::back_inserter(kept.halves),
                           [](float x) { return to_half_bits(saturate_to_half(x)); });
  }
}

void TokenReservoir::merge(const TokenReservoir& other) {
  const std::vector<std::vector<float>> tokens = other.rows();
  const std::vector<std::uint64_t> n_positions = other.counts();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    offer(tokens[i], n_positions[i]);
  }
}

std::vector<std::vector<float>> TokenReservoir::rows() const {
  std::vector<std::vector<float>> tokens;
  for (const auto& [hash, token] : by_hash_) {
    std::ranges::transform(token.halves, std::back_inserter(tokens.emplace_back()), from_half_bits);
  }
  return tokens;
}

std::vector<std::uint64_t> TokenReservoir::counts() const {
  std::vector<std::uint64_t> counts;
  for (const auto& [hash, token] : by_hash_) {
    counts.push_back(token.n_positions);
  }
  return counts;
}

std::size_t TokenReservoir::size_bytes() const {
  return by_hash_.empty() ? 0
                          : by_hash_.size() * by_hash_.begin()->second.halves.size() * sizeof(std::uint16_t);
}

}  // namespace sotto::quantize
