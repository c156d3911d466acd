#include "quantize/token_reservoir.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "quantize/half.h"

namespace sotto::quantize {
namespace {

/// Of the values in f16.
std::uint64_t hash_of(std::span<const float> token) {
  std::uint64_t hash = token.size();
  for (const float x : token) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(saturate_to_half(x))) * 0x9E3779B97F4A7C15ULL;
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
  const auto [kept, is_new] = by_hash_.try_emplace(hash, token.size());
  if (is_new) {
    std::ranges::transform(token, kept->second.begin(),
                           [](float x) { return to_half_bits(saturate_to_half(x)); });
  }
}

void TokenReservoir::merge(const TokenReservoir& other) {
  for (const std::vector<float>& token : other.rows()) {
    offer(token);
  }
}

std::vector<std::vector<float>> TokenReservoir::rows() const {
  std::vector<std::vector<float>> tokens;
  for (const auto& [hash, token] : by_hash_) {
    std::ranges::transform(token, std::back_inserter(tokens.emplace_back()), from_half_bits);
  }
  return tokens;
}

std::size_t TokenReservoir::size_bytes() const {
  return by_hash_.empty() ? 0 : by_hash_.size() * by_hash_.begin()->second.size() * sizeof(std::uint16_t);
}

}  // namespace sotto::quantize
