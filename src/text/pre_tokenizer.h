#pragma once

#include <string_view>
#include <vector>

namespace sotto::text {

/// Cuts text into the pieces byte-pair merges may not cross, as GPT-2's pattern does:
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// The pieces join to the text. Bytes that are no UTF-8 count as symbols.
/// Source: openai/gpt-2 encoder.py; openai/whisper tokenizer.py, pat_str.
std::vector<std::string_view> split_gpt2(std::string_view text);

}  // namespace sotto::text
