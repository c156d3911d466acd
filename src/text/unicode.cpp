#include "text/unicode.h"

#include <cstdint>

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

namespace sotto::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool has_category(char32_t c, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

}  // namespace

CodePoint code_point_at(std::string_view bytes, std::size_t at) {
  const auto* const s = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t next = at;
  UChar32 c = 0;
  U8_NEXT(s, next, bytes.size(), c);
  return {c < 0 ? kReplacement : static_cast<char32_t>(c), next - at, c >= 0};
}

void append_utf8(std::string& out, char32_t c) {
  std::uint8_t bytes[U8_MAX_LENGTH];
  std::size_t n = 0;
  U8_APPEND_UNSAFE(bytes, n, static_cast<UChar32>(c));
  out.append(reinterpret_cast<const char*>(bytes), n);
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const CodePoint c = code_point_at(bytes, at);
    if (c.valid) {
      out.append(bytes.substr(at, c.n_bytes));
    } else {
      append_utf8(out, kReplacement);
    }
    at += c.n_bytes;
  }
  return out;
}

std::u32string to_utf32(std::string_view bytes) {
  std::u32string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const CodePoint c = code_point_at(bytes, at);
    out.push_back(c.value);
    at += c.n_bytes;
  }
  return out;
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) {
    append_utf8(out, c);
  }
  return out;
}

bool is_letter(char32_t c) {
  return has_category(c, U_GC_L_MASK);
}
bool is_number(char32_t c) {
  return has_category(c, U_GC_N_MASK);
}
bool is_whitespace(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

int display_width(char32_t c) {
  if (has_category(c, U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK | U_GC_CC_MASK)) {
    return 0;
  }
  const int width = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

int display_width(std::string_view utf8) {
  int width = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const CodePoint c = code_point_at(utf8, at);
    width += display_width(c.value);
    at += c.n_bytes;
  }
  return width;
}

bool is_written_without_spaces(char32_t c) {
  switch (u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_SCRIPT)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
    case USCRIPT_TIBETAN:
      return true;
    default:
      return false;
  }
}

}  // namespace sotto::text
