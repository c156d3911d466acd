#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Python's tokens[-count:], which the reference uses for rooms that may be used up: the last `count`, all
/// of them for 0, and all but the first -count below it.
inline std::span<const TokenId> token_tail(std::span<const TokenId> tokens, std::ptrdiff_t count) {
  const auto size = static_cast<std::ptrdiff_t>(tokens.size());
  const std::ptrdiff_t n_dropped =
      count > 0 ? std::max<std::ptrdiff_t>(size - count, 0) : std::min(-count, size);
  return tokens.subspan(static_cast<std::size_t>(n_dropped));
}

}  // namespace sotto::transcribe
