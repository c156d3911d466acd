#include "text/normalize_steps.h"

#include <array>
#include <utility>

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "sotto/error.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

icu::UnicodeString to_icu(std::u32string_view text) {
  return icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                       static_cast<std::int32_t>(text.size()));
}

std::u32string from_icu(const icu::UnicodeString& text) {
  std::u32string out;
  for (std::int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    out.push_back(static_cast<char32_t>(text.char32At(at)));
  }
  return out;
}

using GetNormalizer = const icu::Normalizer2* (*)(UErrorCode&);

std::u32string normalized(std::u32string_view text, GetNormalizer get) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = get(status);
  const icu::UnicodeString out =
      U_SUCCESS(status) ? normalizer->normalize(to_icu(text), status) : icu::UnicodeString();
  if (U_FAILURE(status)) {
    throw Error(ErrorCode::internal, "normalize", u_errorName(status));
  }
  return from_icu(out);
}

bool is_mark_symbol_or_punctuation(char32_t c) {
  constexpr std::uint32_t kMask = U_GC_M_MASK | U_GC_S_MASK | U_GC_P_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & kMask) != 0;
}

/// Letters that NFKD does not take apart (basic.py, ADDITIONAL_DIACRITICS); empty for others.
std::u32string_view plain_letters(char32_t c) {
  constexpr std::array<std::pair<char32_t, std::u32string_view>, 16> kPlain = {{{U'œ', U"oe"},
                                                                                {U'Œ', U"OE"},
                                                                                {U'ø', U"o"},
                                                                                {U'Ø', U"O"},
                                                                                {U'æ', U"ae"},
                                                                                {U'Æ', U"AE"},
                                                                                {U'ß', U"ss"},
                                                                                {U'ẞ', U"SS"},
                                                                                {U'đ', U"d"},
                                                                                {U'Đ', U"D"},
                                                                                {U'ð', U"d"},
                                                                                {U'Ð', U"D"},
                                                                                {U'þ', U"th"},
                                                                                {U'Þ', U"th"},
                                                                                {U'ł', U"l"},
                                                                                {U'Ł', U"L"}}};
  for (const auto& [letter, plain] : kPlain) {
    if (letter == c) {
      return plain;
    }
  }
  return {};
}

/// Removes what lies between an opening and the next closing character, and both, if `min_inside` or more
/// characters lie between them.
std::u32string remove_between(std::u32string_view text,
                              std::u32string_view opening,
                              std::u32string_view closing,
                              std::size_t min_inside) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (opening.find(text[at]) != std::u32string_view::npos) {
      const std::size_t end = text.find_first_of(closing, at + 1);
      if (end != std::u32string_view::npos && end - at - 1 >= min_inside) {
        at = end;
        continue;
      }
    }
    out.push_back(text[at]);
  }
  return out;
}

}  // namespace

bool is_space(char32_t c) {
  return is_whitespace(c) || (c >= 0x1C && c <= 0x1F);
}
bool is_word_character(char32_t c) {
  return is_letter(c) || is_number(c) || c == U'_';
}

bool is_decimal_digit(char32_t c) {
  return u_charType(static_cast<UChar32>(c)) == U_DECIMAL_DIGIT_NUMBER;
}

bool is_word_boundary(std::u32string_view text, std::size_t at) {
  const bool before = at > 0 && is_word_character(text[at - 1]);
  const bool after = at < text.size() && is_word_character(text[at]);
  return before != after;
}

std::u32string lower_case(std::u32string_view text) {
  return from_icu(to_icu(text).toLower(icu::Locale::getRoot()));
}

std::u32string remove_bracketed(std::u32string_view text) {
  return remove_between(remove_between(text, U"<[", U">]", 0), U"(", U")", 1);
}

std::u32string remove_symbols(std::u32string_view text) {
  std::u32string out = normalized(text, icu::Normalizer2::getNFKCInstance);
  for (char32_t& c : out) {
    c = is_mark_symbol_or_punctuation(c) ? U' ' : c;
  }
  return out;
}

std::u32string remove_symbols_and_diacritics(std::u32string_view text, std::u32string_view keep) {
  std::u32string out;
  for (const char32_t c : normalized(text, icu::Normalizer2::getNFKDInstance)) {
    if (keep.find(c) != std::u32string_view::npos) {
      out.push_back(c);
    } else if (const std::u32string_view plain = plain_letters(c); !plain.empty()) {
      out.append(plain);
    } else if (u_charType(static_cast<UChar32>(c)) != U_NON_SPACING_MARK) {
      out.push_back(is_mark_symbol_or_punctuation(c) ? U' ' : c);
    }
  }
  return out;
}

std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string out;
  bool in_space = false;
  for (const char32_t c : text) {
    if (!is_space(c)) {
      out.push_back(c);
    } else if (!in_space) {
      out.push_back(U' ');
    }
    in_space = is_space(c);
  }
  return out;
}

std::vector<std::string> split_words(std::u32string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t begin = at;
    while (at < text.size() && !is_space(text[at])) {
      ++at;
    }
    if (at > begin) {
      words.push_back(to_utf8(text.substr(begin, at - begin)));
    }
  }
  return words;
}

}  // namespace sotto::text
