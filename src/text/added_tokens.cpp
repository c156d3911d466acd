#include "text/added_tokens.h"

#include <algorithm>
#include <functional>

#include "text/unicode.h"

namespace sotto::text {
namespace {

/// \w, as far as it decides whether a token touches a word.
bool is_word(char32_t c) {
  return is_letter(c) || is_number(c) || c == U'_';
}

char32_t last_code_point(std::string_view text) {
  std::size_t at = text.size();
  while (at > 0 && (static_cast<unsigned char>(text[--at]) & 0xC0) == 0x80) {
  }
  return code_point_at(text, at).value;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || !is_word(last_code_point(text.substr(0, begin)))) &&
         (end == text.size() || !is_word(code_point_at(text, end).value));
}

std::size_t skip_spaces_right(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint c = code_point_at(text, at);
    if (!is_whitespace(c.value)) {
      break;
    }
    at += c.n_bytes;
  }
  return at;
}

/// Start of the whitespace that ends at `at`, not before `begin`. Goes forward: UTF-8 is unambiguous only so.
std::size_t skip_spaces_left(std::string_view text, std::size_t begin, std::size_t at) {
  std::size_t after_text = begin;
  for (std::size_t i = begin; i < at;) {
    const CodePoint c = code_point_at(text, i);
    i += c.n_bytes;
    if (!is_whitespace(c.value)) {
      after_text = i;
    }
  }
  return std::min(after_text, at);
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    if (!token.content.empty() && by_content_.emplace(token.content, token).second) {
      std::vector<std::size_t>& lengths = lengths_[token.content.front()];
      if (std::find(lengths.begin(), lengths.end(), token.content.size()) == lengths.end()) {
        lengths.push_back(token.content.size());
      }
    }
  }
  for (auto& [first, lengths] : lengths_) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
  }
}

const AddedToken* AddedTokens::longest_at(std::string_view text, std::size_t at) const {
  const auto lengths = lengths_.find(text[at]);
  if (lengths == lengths_.end()) {
    return nullptr;
  }
  for (const std::size_t n : lengths->second) {
    if (at + n > text.size()) {
      continue;
    }
    if (const auto found = by_content_.find(std::string(text.substr(at, n))); found != by_content_.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

std::vector<TextPart> AddedTokens::split(std::string_view text) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token = longest_at(text, at);
    if (token == nullptr) {
      ++at;
      continue;
    }
    const std::size_t end = at + token->content.size();
    if (token->single_word && !stands_alone(text, at, end)) {
      at = end;
      continue;
    }
    const std::size_t from = token->lstrip ? skip_spaces_left(text, done, at) : at;
    const std::size_t to = token->rstrip ? skip_spaces_right(text, end) : end;
    if (from > done) {
      parts.push_back({text.substr(done, from - done), std::nullopt});
    }
    parts.push_back({text.substr(from, to - from), token->id});
    done = to;
    at = to;
  }
  if (done < text.size()) {
    parts.push_back({text.substr(done), std::nullopt});
  }
  return parts;
}

std::optional<TokenId> AddedTokens::id_of(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? std::nullopt : std::optional(found->second.id);
}

}  // namespace sotto::text
