#pragma once

#include <cstddef>
#include <string_view>

namespace sotto::text {

/// What a word does in a spoken number (openai/whisper 20250625, normalizers/english.py, names as there).
enum class NumberRole {
  none,
  zero,
  one,                  ///< one to nineteen
  one_suffixed,         ///< ones, first, ...
  ten,                  ///< twenty to ninety
  ten_suffixed,         ///< twenties, twentieth, ...
  multiplier,           ///< hundred, thousand, ...: a power of ten
  multiplier_suffixed,  ///< hundreds, hundredth, ...
  preceding_prefixer,   ///< minus, plus, ...
  following_prefixer,   ///< dollars, cents, ...
  per,                  ///< "per", of "per cent"
  percent,
  special,  ///< and, double, triple, point
};

struct NumberWord {
  NumberRole role = NumberRole::none;
  int value = 0;             ///< of ones and tens; the power of ten of multipliers
  std::string_view affix{};  ///< "s", "th", ... after, or "$", "-", ... before the number
};

/// The word's part in spoken numbers; role none for any other word.
NumberWord number_word(std::string_view word);

}  // namespace sotto::text
