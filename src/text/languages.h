#pragma once

#include <array>
#include <span>
#include <string_view>

namespace sotto::text {

struct Language {
  std::string_view code;
  std::string_view name;
};

/// Whisper's 100 languages in the order of their tokens (openai/whisper 20250625, tokenizer.py, LANGUAGES).
extern const std::array<Language, 100> kLanguages;
/// Other names people use (the same file, TO_LANGUAGE_CODE).
extern const std::array<Language, 12> kLanguageAliases;

/// True for a code of kLanguages.
bool is_language_code(std::string_view code);

}  // namespace sotto::text
