#include "text/non_speech_tokens.h"

#include <array>
#include <set>
#include <string>
#include <string_view>

namespace sotto::text {
namespace {

constexpr std::array<std::string_view, 47> kSymbols = {
    "\"",  "#",  "(",  ")",  "*",   "+",  "/",  ":",   ";",   "<",  "=",  ">",  "@",  "[",   "\\",  "]",
    "^",   "_",  "`",  "{",  "|",   "}",  "~",  "「",  "」",  "『", "』", "<<", ">>", "<<<", ">>>", "--",
    "---", "-(", "-[", "('", "(\"", "((", "))", "(((", ")))", "[[", "]]", "{{", "}}", "♪♪",  "♪♪♪"};
constexpr std::array<std::string_view, 7> kNotes = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

/// What all notes share in UTF-8 (U+2640 to U+267F: E2 99 ..); a token of this much means a symbol of that
/// block.
constexpr std::string_view kNotePrefix = "\xE2\x99";

}  // namespace

std::vector<TokenId> find_non_speech_tokens(const Tokenizer& tokenizer) {
  std::set<TokenId> found;
  const auto add_if_one_token = [&](const std::string& text) {
    if (const std::vector<TokenId> ids = tokenizer.encode(text); ids.size() == 1) {
      found.insert(ids.front());
    }
  };
  const auto add_first_of_note = [&](const std::string& text) {
    const TokenId first = tokenizer.encode(text).front();
    if (tokenizer.token(first).find(kNotePrefix) != std::string::npos) {
      found.insert(first);
    }
  };

  add_if_one_token(" -");  // hyphens and quotes may stand inside a word, not before it
  add_if_one_token(" '");
  for (const std::string_view symbol : kSymbols) {
    add_if_one_token(std::string(symbol));
    add_if_one_token(" " + std::string(symbol));
  }
  for (const std::string_view note : kNotes) {
    add_first_of_note(std::string(note));
    add_first_of_note(" " + std::string(note));
  }
  return {found.begin(), found.end()};
}

}  // namespace sotto::text
