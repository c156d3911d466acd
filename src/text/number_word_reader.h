#pragma once

#include <string>
#include <vector>

namespace sotto::text {

/// Words in, words and numbers out: {"twenty", "five", "dollars"} → {"$25"}.
/// Source: openai/whisper 20250625, normalizers/english.py, EnglishNumberNormalizer.process_words.
std::vector<std::string> number_words_to_digits(const std::vector<std::string>& words);

}  // namespace sotto::text
