#include "text/pre_tokenizer.h"

#include <array>
#include <cstddef>

#include "text/unicode.h"

namespace sotto::text {
namespace {

enum class Kind { letter, number, space, symbol };

struct Char {
  Kind kind = Kind::symbol;
  std::size_t n_bytes = 0;
};

Char char_at(std::string_view text, std::size_t at) {
  const CodePoint c = code_point_at(text, at);
  if (!c.valid) {
    return {Kind::symbol, c.n_bytes};
  }
  const Kind kind = is_letter(c.value)       ? Kind::letter
                    : is_number(c.value)     ? Kind::number
                    : is_whitespace(c.value) ? Kind::space
                                             : Kind::symbol;
  return {kind, c.n_bytes};
}

std::size_t contraction_length(std::string_view text) {
  constexpr std::array<std::string_view, 7> kContractions = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (const std::string_view contraction : kContractions) {
    if (text.starts_with(contraction)) {
      return contraction.size();
    }
  }
  return 0;
}

/// End of the run of characters of one kind that starts at `at`.
std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
  while (at < text.size()) {
    const Char c = char_at(text, at);
    if (c.kind != kind) {
      break;
    }
    at += c.n_bytes;
  }
  return at;
}

/// \s+(?!\S)|\s+ : a run of whitespace gives its last character to what follows it, unless that is all of it.
std::size_t space_end(std::string_view text, std::size_t at) {
  std::size_t last = at;
  std::size_t end = at;
  while (end < text.size()) {
    const Char c = char_at(text, end);
    if (c.kind != Kind::space) {
      return last == at ? end : last;
    }
    last = end;
    end += c.n_bytes;
  }
  return end;
}

std::size_t piece_end(std::string_view text, std::size_t at) {
  if (const std::size_t n = contraction_length(text.substr(at)); n > 0) {
    return at + n;
  }
  const std::size_t word = at + (text[at] == ' ' ? 1 : 0);
  if (word < text.size()) {
    if (const Char first = char_at(text, word); first.kind != Kind::space) {
      return run_end(text, word, first.kind);
    }
  }
  return space_end(text, at);
}

}  // namespace

std::vector<std::string_view> split_gpt2(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = piece_end(text, at);
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

}  // namespace sotto::text
