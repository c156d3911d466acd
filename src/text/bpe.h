#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sotto/text.h"

namespace sotto::text {

/// Byte-pair encoding of one piece: starts from its bytes and joins the pair of lowest rank (the leftmost of
/// equals) until none is left.
class Bpe {
 public:
  /// `vocabulary` maps bytes to ids and holds all 256 single bytes; `merges` are pairs of bytes in order of
  /// rank, each joining to an entry of the vocabulary. Throws Error(bad_format) naming `where` otherwise.
  Bpe(const std::unordered_map<std::string, TokenId>& vocabulary,
      const std::vector<std::pair<std::string, std::string>>& merges,
      std::string_view where);

  void append(std::string_view piece, std::vector<TokenId>& ids) const;

 private:
  struct Merge {
    std::uint32_t rank = 0;
    TokenId id = 0;
  };
  static std::uint64_t key(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }

  std::array<TokenId, 256> byte_ids_{};
  std::unordered_map<std::uint64_t, Merge> merges_;
};

}  // namespace sotto::text
