#include "engine/token_cache.h"

#include <utility>

namespace sotto::engine {

TokenCache::TokenCache(std::size_t n_layers, std::size_t n_ctx, std::size_t n_state, std::size_t value_size)
    : n_layers_(n_layers), n_ctx_(n_ctx), vector_size_(n_state * value_size) {}

void TokenCache::reset() {
  length_ = 0;
  writers_.clear();
}

void TokenCache::extend(std::span<const std::int32_t> source_rows, std::size_t n_tokens) {
  std::vector<std::vector<std::uint32_t>> writers(source_rows.size());
  for (std::size_t row = 0; row < writers.size(); ++row) {
    if (length_ > 0) {
      writers[row] = writers_.at(static_cast<std::size_t>(source_rows[row]));
    }
    writers[row].resize(length_ + n_tokens, static_cast<std::uint32_t>(row));
  }
  writers_ = std::move(writers);
  length_ += n_tokens;
  while (memory_.size() < writers_.size()) {
    memory_.emplace_back(new std::byte[offset(n_layers_, 0, 0)]);
  }
}

TokenCache::Stretch TokenCache::stretch(std::size_t layer,
                                        std::size_t row,
                                        std::size_t first,
                                        std::size_t last) const {
  const std::vector<std::uint32_t>& writers = writers_[row];
  std::size_t end = first + 1;
  while (end < last && writers[end] == writers[first]) {
    ++end;
  }
  const std::byte* const memory = memory_[writers[first]].get();
  return {memory + offset(layer, 0, first), memory + offset(layer, 1, first), first, end - first};
}

std::byte* TokenCache::key(std::size_t layer, std::size_t row, std::size_t position) {
  return memory_[row].get() + offset(layer, 0, position);
}

std::byte* TokenCache::value(std::size_t layer, std::size_t row, std::size_t position) {
  return memory_[row].get() + offset(layer, 1, position);
}

std::size_t TokenCache::offset(std::size_t layer, std::size_t kind, std::size_t position) const {
  return ((2 * layer + kind) * n_ctx_ + position) * vector_size_;
}

}  // namespace sotto::engine
