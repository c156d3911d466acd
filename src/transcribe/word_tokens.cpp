#include "transcribe/word_tokens.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "transcribe/strip.h"

namespace sotto::transcribe {
namespace {

constexpr std::array<std::string_view, 6> kWithoutSpaces = {"zh", "ja", "th", "lo", "my", "yue"};
constexpr std::string_view kPunctuation =
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";                  // Python's string.punctuation
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Byte offset of the n-th character of valid UTF-8.
std::size_t offset_of_character(std::string_view text, std::size_t n) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (begins && n-- == 0) {
      return at;
    }
  }
  return at;
}

std::size_t n_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// True if `decoded`, which begins at character n_before of `whole`, spells whole characters: a U+FFFD in it
/// is one of the whole text too and not the sign of a character cut in two.
bool is_complete(std::string_view decoded, std::string_view whole, std::size_t n_before) {
  const std::size_t at = decoded.find(kReplacement);
  if (at == std::string_view::npos) {
    return true;
  }
  const std::size_t n = n_before + n_characters(decoded.substr(0, at));
  return whole.substr(offset_of_character(whole, n)).starts_with(kReplacement);
}

std::vector<WordTokens> split_on_unicode(std::span<const TokenId> tokens, const Vocabulary& vocabulary) {
  const std::string whole = vocabulary.decode_with_timestamps(tokens);
  std::vector<WordTokens> words;
  std::vector<TokenId> current;
  std::size_t n_before = 0;
  for (const TokenId token : tokens) {
    current.push_back(token);
    std::string decoded = vocabulary.decode_with_timestamps(current);
    if (is_complete(decoded, whole, n_before)) {
      n_before += n_characters(decoded);
      words.push_back({std::move(decoded), std::exchange(current, {})});
    }
  }
  return words;
}

std::vector<WordTokens> join_to_words(std::vector<WordTokens> pieces, const Vocabulary& vocabulary) {
  std::vector<WordTokens> words;
  for (WordTokens& piece : pieces) {
    const bool is_special = !vocabulary.is_text(piece.tokens.front());
    const bool has_space = piece.word.starts_with(' ');
    const bool is_punctuation = kPunctuation.find(strip(piece.word)) != std::string_view::npos;
    if (is_special || has_space || is_punctuation || words.empty()) {
      words.push_back(std::move(piece));
    } else {
      words.back().word += piece.word;
      words.back().tokens.insert(words.back().tokens.end(), piece.tokens.begin(), piece.tokens.end());
    }
  }
  return words;
}

}  // namespace

std::vector<WordTokens> split_to_word_tokens(std::span<const TokenId> tokens,
                                             const Vocabulary& vocabulary,
                                             std::string_view language) {
  std::vector<WordTokens> pieces = split_on_unicode(tokens, vocabulary);
  if (std::find(kWithoutSpaces.begin(), kWithoutSpaces.end(), language) != kWithoutSpaces.end()) {
    return pieces;
  }
  return join_to_words(std::move(pieces), vocabulary);
}

}  // namespace sotto::transcribe
