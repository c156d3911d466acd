#include "text/bpe.h"

#include <queue>
#include <tuple>

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::text {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A token of the piece being merged, in a list linked by index; `alive` ends when its left neighbour takes
/// it.
struct Symbol {
  TokenId id = 0;
  std::size_t previous = kNone;
  std::size_t next = kNone;
  bool alive = true;
};

/// A merge that was possible when it was queued.
struct Candidate {
  std::uint32_t rank = 0;
  std::size_t left = 0;
  TokenId left_id = 0;
  TokenId right_id = 0;
  TokenId merged_id = 0;
  bool operator>(const Candidate& other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};

}  // namespace

Bpe::Bpe(const std::unordered_map<std::string, TokenId>& vocabulary,
         const std::vector<std::pair<std::string, std::string>>& merges,
         std::string_view where) {
  const auto id = [&](const std::string& bytes, const std::string& role) {
    const auto found = vocabulary.find(bytes);
    if (found == vocabulary.end()) {
      throw Error(ErrorCode::bad_format, where, fmt::format("the vocabulary lacks {}.", role));
    }
    return found->second;
  };
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = id(std::string(1, static_cast<char>(byte)), fmt::format("the byte 0x{:02x}", byte));
  }
  for (std::uint32_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::string role = fmt::format("a part or the result of merge {}", rank);
    merges_.try_emplace(key(id(left, role), id(right, role)), Merge{rank, id(left + right, role)});
  }
}

void Bpe::append(std::string_view piece, std::vector<TokenId>& ids) const {
  std::vector<Symbol> symbols(piece.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](std::size_t left) {
    if (left == kNone || symbols[left].next == kNone) {
      return;
    }
    const TokenId a = symbols[left].id;
    const TokenId b = symbols[symbols[left].next].id;
    if (const auto found = merges_.find(key(a, b)); found != merges_.end()) {
      queue.push({found->second.rank, left, a, b, found->second.id});
    }
  };

  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const TokenId byte_id = byte_ids_[static_cast<unsigned char>(piece[i])];
    symbols[i] = {byte_id, i == 0 ? kNone : i - 1, i + 1 == symbols.size() ? kNone : i + 1, true};
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    offer(i);
  }
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    const bool stale = !left.alive || left.id != best.left_id || left.next == kNone ||
                       symbols[left.next].id != best.right_id;
    if (stale) {
      continue;
    }
    Symbol& right = symbols[left.next];
    left.id = best.merged_id;
    left.next = right.next;
    right.alive = false;
    if (left.next != kNone) {
      symbols[left.next].previous = best.left;
    }
    offer(left.previous);
    offer(best.left);
  }
  for (std::size_t i = piece.empty() ? kNone : 0; i != kNone; i = symbols[i].next) {
    ids.push_back(symbols[i].id);
  }
}

}  // namespace sotto::text
