#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sotto::engine {

/// K and V of the tokens fed so far, for every layer. A row that goes on from another one reads what that one
/// wrote: nothing is copied when beams change places.
class TokenCache {
 public:
  /// value_size: bytes of one value.
  TokenCache(std::size_t n_layers, std::size_t n_ctx, std::size_t n_state, std::size_t value_size);

  /// Forgets all tokens.
  void reset();
  /// Makes room for n_tokens more in each row, row r going on where row source_rows[r] ended.
  void extend(std::span<const std::int32_t> source_rows, std::size_t n_tokens);

  std::size_t n_rows() const { return writers_.size(); }
  /// Tokens of a row, with those that room was made for.
  std::size_t length() const { return length_; }

  /// Positions [first, first + n) of a row that lie behind each other in memory.
  struct Stretch {
    const std::byte* keys = nullptr;
    const std::byte* values = nullptr;
    std::size_t first = 0;
    std::size_t n = 0;
  };
  /// The first stretch of a row from `first` on, up to `last` at most.
  Stretch stretch(std::size_t layer, std::size_t row, std::size_t first, std::size_t last) const;

  /// Where the K and V [n_state] of a new token go.
  std::byte* key(std::size_t layer, std::size_t row, std::size_t position);
  std::byte* value(std::size_t layer, std::size_t row, std::size_t position);

 private:
  std::size_t offset(std::size_t layer, std::size_t kind, std::size_t position) const;

  std::size_t n_layers_;
  std::size_t n_ctx_;
  std::size_t vector_size_;  ///< bytes of K or V of one token
  std::size_t length_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> memory_;  ///< of each row; touched as it is written
  std::vector<std::vector<std::uint32_t>> writers_;   ///< [n_rows][length]: whose memory holds a position
};

}  // namespace sotto::engine
