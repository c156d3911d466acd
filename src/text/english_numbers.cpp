#include "text/english_numbers.h"

#include <algorithm>
#include <array>

#include "text/english_number_words.h"
#include "text/normalize_steps.h"
#include "text/number_word_reader.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

bool is_ascii_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}
bool is_ascii_letter(char32_t c) {
  return c >= U'a' && c <= U'z';
}
bool is_currency(char32_t c) {
  return c == U'€' || c == U'£' || c == U'$';
}

/// The character at `at`, or 0 beyond the end.
char32_t at_or_0(std::u32string_view text, std::size_t at) {
  return at < text.size() ? text[at] : U'\0';
}

std::size_t skip_spaces(std::u32string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) {
    ++at;
  }
  return at;
}

/// End of \band\s+a\s+half\b that starts at `at`, or `at` if none does.
std::size_t and_a_half_end(std::u32string_view text, std::size_t at) {
  if (text.substr(at, 3) != U"and" || !is_word_boundary(text, at)) {
    return at;
  }
  const std::size_t a = skip_spaces(text, at + 3);
  const std::size_t half = skip_spaces(text, a + 1);
  const bool spaced = a > at + 3 && at_or_0(text, a) == U'a' && half > a + 1;
  const bool matches = spaced && text.substr(half, 4) == U"half" && is_word_boundary(text, half + 4);
  return matches ? half + 4 : at;
}

bool is_blank(std::u32string_view text) {
  return skip_spaces(text, 0) == text.size();
}

/// The last word with whatever whitespace follows it removed; with fewer than three words Python's
/// rsplit(maxsplit=2)[-1] is the same.
std::string last_word(std::u32string_view text) {
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  std::size_t begin = text.size();
  while (begin > 0 && !is_space(text[begin - 1])) {
    --begin;
  }
  return to_utf8(text.substr(begin));
}

/// "three and a half million" → "three point five million".
std::u32string replace_and_a_half(std::u32string_view text) {
  std::u32string out;
  const auto add_part = [&](std::u32string_view part) {
    out += out.empty() ? U"" : U" ";
    out += part;
  };
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = and_a_half_end(text, at);
    if (end == at) {
      ++at;
      continue;
    }
    const std::u32string_view before = text.substr(begin, at - begin);
    if (!is_blank(before)) {
      add_part(before);
      const NumberRole role = number_word(last_word(before)).role;
      const bool after_number = role == NumberRole::zero || role == NumberRole::one ||
                                role == NumberRole::ten || role == NumberRole::multiplier;
      add_part(after_number ? U"point five" : U"and a half");
    }
    begin = end;
    at = end;
  }
  if (!is_blank(text.substr(begin))) {
    add_part(text.substr(begin));
  }
  return out;
}

/// "a1b2" → "a 1 b 2".
std::u32string space_letters_from_digits(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t before = i == 0 ? U'\0' : text[i - 1];
    if ((is_ascii_letter(before) && is_ascii_digit(text[i])) ||
        (is_ascii_digit(before) && is_ascii_letter(text[i]))) {
      out.push_back(U' ');
    }
    out.push_back(text[i]);
  }
  return out;
}

/// True if one of the suffixes a number may have stands at `at` as a word's end.
bool has_number_suffix(std::u32string_view text, std::size_t at) {
  constexpr std::array<std::u32string_view, 5> kSuffixes = {U"st", U"nd", U"rd", U"th", U"s"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](std::u32string_view suffix) {
    return text.substr(at, suffix.size()) == suffix && is_word_boundary(text, at + suffix.size());
  });
}

/// "10 th" → "10th".
std::u32string join_number_suffixes(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out.push_back(text[i]);
    const std::size_t after = skip_spaces(text, i + 1);
    if (is_ascii_digit(text[i]) && after > i + 1 && has_number_suffix(text, after)) {
      i = after - 1;
    }
  }
  return out;
}

/// Length of [0-9]{1,2}\b at `at`, or 0.
std::size_t short_number_length(std::u32string_view text, std::size_t at) {
  for (const std::size_t n : {2UL, 1UL}) {
    const std::u32string_view digits = text.substr(std::min(at, text.size()), n);
    if (digits.size() == n && std::all_of(digits.begin(), digits.end(), is_ascii_digit) &&
        is_word_boundary(text, at + n)) {
      return n;
    }
  }
  return 0;
}

/// "$2 and ¢7" → "$2.07".
std::u32string combine_cents(std::u32string_view text) {
  constexpr std::u32string_view kAnd = U"and ";
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (is_currency(text[i]) && is_ascii_digit(at_or_0(text, end))) {
      ++end;
    }
    std::size_t cents = end + 1;
    cents += text.substr(std::min(cents, text.size()), kAnd.size()) == kAnd ? kAnd.size() : 0;
    const bool named = end > i + 1 && at_or_0(text, end) == U' ' && at_or_0(text, cents) == U'¢';
    const std::size_t n = named ? short_number_length(text, cents + 1) : 0;
    if (n == 0) {
      out.push_back(text[i++]);
      continue;
    }
    out += text.substr(i, end - i);
    out += n == 1 ? U".0" : U".";
    out += text.substr(cents + 1, n);
    i = cents + 1 + n;
  }
  return out;
}

/// "$0.07" → "¢7". As in Whisper the point may be any character.
std::u32string extract_cents(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool zero =
        is_currency(text[i]) && at_or_0(text, i + 1) == U'0' && i + 2 < text.size() && text[i + 2] != U'\n';
    const std::size_t n = zero ? short_number_length(text, i + 3) : 0;
    if (n == 0) {
      out.push_back(text[i++]);
      continue;
    }
    const bool leading_zero = n == 2 && text[i + 3] == U'0';
    out.push_back(U'¢');
    out += text.substr(i + 3 + (leading_zero ? 1 : 0), n - (leading_zero ? 1 : 0));
    i += 3 + n;
  }
  return out;
}

/// "1" and "1s" as words: "one", "ones".
std::u32string spell_one(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool word_end =
        is_word_boundary(text, i + 1) || (at_or_0(text, i + 1) == U's' && is_word_boundary(text, i + 2));
    if (text[i] == U'1' && is_word_boundary(text, i) && word_end) {
      out += U"one";
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

std::u32string standardize_numbers(std::u32string_view text) {
  const std::u32string spaced = join_number_suffixes(space_letters_from_digits(replace_and_a_half(text)));
  std::string joined;
  for (const std::string& word : number_words_to_digits(split_words(spaced))) {
    joined += (joined.empty() ? "" : " ") + word;
  }
  return spell_one(extract_cents(combine_cents(to_utf32(joined))));
}

}  // namespace sotto::text
