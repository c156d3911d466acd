#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sotto::text {

/// One step through UTF-8.
struct CodePoint {
  char32_t value = 0;  ///< U+FFFD where `valid` is false
  std::size_t n_bytes = 0;
  bool valid =
      true;  ///< false for a byte sequence that is no UTF-8 (its maximal subpart, as Python's "replace")
};

/// The code point at bytes[at]; at < bytes.size().
CodePoint code_point_at(std::string_view bytes, std::size_t at);
void append_utf8(std::string& out, char32_t c);
/// UTF-8 with what is invalid replaced by U+FFFD, as Python's bytes.decode("utf-8", errors="replace").
std::string replace_invalid_utf8(std::string_view bytes);
std::u32string to_utf32(std::string_view bytes);
std::string to_utf8(std::u32string_view text);

bool is_letter(char32_t c);      ///< \p{L}
bool is_number(char32_t c);      ///< \p{N}
bool is_whitespace(char32_t c);  ///< the White_Space property

/// Columns of a terminal or a subtitle line: 2 for wide East Asian characters and emoji, 0 for marks that
/// combine and for format characters, else 1 (UAX #11).
int display_width(char32_t c);
int display_width(std::string_view utf8);
/// True for scripts that put no spaces between words, so that a line may break between any two characters:
/// Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan.
bool is_written_without_spaces(char32_t c);

}  // namespace sotto::text
