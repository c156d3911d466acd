#pragma once

#include <span>
#include <string_view>

namespace sotto::text {

/// A contraction or title and what it stands for. The match ends at a word's end, and begins at a word's
/// beginning if `whole_word`.
struct Rewrite {
  std::u32string_view from;
  std::u32string_view to;
  bool whole_word = true;
};

/// In the order they are applied (openai/whisper 20250625, normalizers/english.py, replacers).
std::span<const Rewrite> english_rewrites();

}  // namespace sotto::text
