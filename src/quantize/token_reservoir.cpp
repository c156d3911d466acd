#include "quantize/token_reservoir.h"

#include <bit>
#include <iterator>

namespace sotto::quantize {
namespace {

std::uint64_t hash_of(std::span<const float> token) {
  std::uint64_t hash = token.size();
  for (const float x : token) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(x)) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32U;
  }
  return hash;
}

}  // namespace

void TokenReservoir::offer(std::span<const float> token) {
  const std::uint64_t hash = hash_of(token);
  if (by_hash_.size() == kCapacity && !by_hash_.contains(hash)) {
    const auto largest = std::prev(by_hash_.end());
    if (hash >= largest->first) {
      return;
    }
    by_hash_.erase(largest);
  }
  by_hash_.emplace(hash, std::vector<float>(token.begin(), token.end()));
}

void TokenReservoir::merge(const TokenReservoir& other) {
  for (const auto& [hash, token] : other.by_hash_) {
    offer(token);
  }
}

std::vector<std::vector<float>> TokenReservoir::rows() const {
  std::vector<std::vector<float>> tokens;
  for (const auto& [hash, token] : by_hash_) {
    tokens.push_back(token);
  }
  return tokens;
}

std::size_t TokenReservoir::size_bytes() const {
  return by_hash_.empty() ? 0 : by_hash_.size() * by_hash_.begin()->second.size() * sizeof(float);
}

}  // namespace sotto::quantize
