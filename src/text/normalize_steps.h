#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sotto::text {

// The steps Whisper's two normalizers share, over code points; "space" and "word character" are \s and \w of
// Python's re. Source: openai/whisper 20250625, normalizers/basic.py.

bool is_space(char32_t c);
bool is_word_character(char32_t c);
bool is_decimal_digit(char32_t c);  ///< \d: of any script
/// \b between text[at - 1] and text[at].
bool is_word_boundary(std::u32string_view text, std::size_t at);

/// str.lower(): full Unicode mappings of no particular language.
std::u32string lower_case(std::u32string_view text);
/// Removes [...] and <...> (either bracket closes either), then (...).
std::u32string remove_bracketed(std::u32string_view text);
/// NFKC, then a space for each mark, symbol and punctuation.
std::u32string remove_symbols(std::u32string_view text);
/// NFKD without non-spacing marks, with plain letters for œ, ø, ß and the like, and a space for each other
/// mark, symbol and punctuation that is not in `keep`.
std::u32string remove_symbols_and_diacritics(std::u32string_view text, std::u32string_view keep = {});
/// One blank for each run of spaces.
std::u32string collapse_spaces(std::u32string_view text);
/// The words between runs of spaces, in UTF-8 (str.split()).
std::vector<std::string> split_words(std::u32string_view text);

}  // namespace sotto::text
