#include <algorithm>
#include <array>
#include <utility>

#include "core/json_file.h"
#include "sotto/text.h"
#include "text/english_numbers.h"
#include "text/english_rewrites.h"
#include "text/normalize_steps.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

bool is_ascii_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

/// Drops the words that only fill a pause.
std::u32string remove_fillers(std::u32string_view text) {
  constexpr std::array<std::u32string_view, 6> kFillers = {U"hmm", U"mm", U"mhm", U"mmm", U"uh", U"um"};
  std::u32string out;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_word_character(text[end])) {
      ++end;
    }
    const std::u32string_view word = text.substr(begin, end - begin);
    if (std::find(kFillers.begin(), kFillers.end(), word) == kFillers.end()) {
      out += word;
    }
    begin = end;
    if (begin < text.size()) {
      out.push_back(text[begin++]);
    }
  }
  return out;
}

/// "it 's" → "it's".
std::u32string join_apostrophes(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) {
    while (c == U'\'' && !out.empty() && is_space(out.back())) {
      out.pop_back();
    }
    out.push_back(c);
  }
  return out;
}

std::u32string apply_rewrite(const Rewrite& rewrite, std::u32string_view text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at + rewrite.from.size();
    const bool matches = text.substr(at, rewrite.from.size()) == rewrite.from &&
                         is_word_boundary(text, end) && (!rewrite.whole_word || is_word_boundary(text, at));
    if (matches) {
      out += rewrite.to;
      at = end;
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

/// "1,000" → "1000"; of "1,2,3" only every second comma, as a regular expression without overlap does.
std::u32string remove_commas_in_numbers(std::u32string_view text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    out.push_back(text[at]);
    if (is_decimal_digit(text[at]) && at + 2 < text.size() && text[at + 1] == U',' &&
        is_decimal_digit(text[at + 2])) {
      out.push_back(text[at + 2]);
      at += 2;
    }
  }
  return out;
}

/// Replaces each of `symbols` by a blank unless an ASCII digit follows; the character after it is passed
/// over. `at_end`: also where nothing follows.
std::u32string drop_unless_before_digit(std::u32string_view text, std::u32string_view symbols, bool at_end) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_last = at + 1 == text.size();
    const bool drop = symbols.find(text[at]) != std::u32string_view::npos &&
                      (is_last ? at_end : !is_ascii_digit(text[at + 1]));
    out.push_back(drop ? U' ' : text[at]);
    if (drop && !is_last) {
      out.push_back(text[++at]);
    }
  }
  return out;
}

/// "%" that no digit precedes becomes a blank; the character before it must not be part of an earlier match.
std::u32string drop_percent_unless_after_digit(std::u32string_view text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    out.push_back(text[at]);
    if (!is_ascii_digit(text[at]) && at + 1 < text.size() && text[at + 1] == U'%') {
      out.push_back(U' ');
      ++at;
    }
  }
  return out;
}

std::u32string respell(std::u32string_view text, const std::map<std::string, std::string>& spelling) {
  std::string out;
  for (const std::string& word : split_words(text)) {
    const auto found = spelling.find(word);
    out += (out.empty() ? "" : " ") + (found == spelling.end() ? word : found->second);
  }
  return to_utf32(out);
}

}  // namespace

EnglishNormalizer::EnglishNormalizer(std::map<std::string, std::string> spelling)
    : spelling_(std::move(spelling)) {}

std::string EnglishNormalizer::operator()(std::string_view text) const {
  std::u32string s = remove_bracketed(lower_case(to_utf32(text)));
  s = join_apostrophes(remove_fillers(s));
  for (const Rewrite& rewrite : english_rewrites()) {
    s = apply_rewrite(rewrite, s);
  }
  s = drop_unless_before_digit(remove_commas_in_numbers(s), U".", true);
  s = remove_symbols_and_diacritics(s, U".%$¢€£");  // numbers need these
  s = respell(standardize_numbers(s), spelling_);
  s = drop_percent_unless_after_digit(drop_unless_before_digit(s, U".$¢€£", false));
  return to_utf8(collapse_spaces(s));
}

std::map<std::string, std::string> load_spelling(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "normalizer.json";
  std::map<std::string, std::string> spelling;
  if (std::filesystem::exists(path)) {
    const nlohmann::json words = read_json_object(path);
    for (const auto& [word, _] : words.items()) {
      spelling.emplace(word, required_json_field<std::string>(words, word.c_str(), path));
    }
  }
  return spelling;
}

}  // namespace sotto::text
