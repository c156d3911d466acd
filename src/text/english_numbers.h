#pragma once

#include <string>
#include <string_view>

namespace sotto::text {

/// Spoken numbers to digits: "twenty five dollars and ten cents" → "$25.10", "double oh seven" → "007".
///
/// Source: openai/whisper 20250625, normalizers/english.py, EnglishNumberNormalizer; the same result for
/// every input, odd ones included ("1.5" → "one.5").
std::u32string standardize_numbers(std::u32string_view text);

}  // namespace sotto::text
