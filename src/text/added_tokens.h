#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer_files.h"

namespace sotto::text {

/// A stretch of text: an added token, or text between two.
struct TextPart {
  std::string_view text;
  std::optional<TokenId> id;
};

/// Finds added tokens in text, leftmost and longest first, as HF tokenizers does.
class AddedTokens {
 public:
  /// Of several tokens with one content the first counts.
  explicit AddedTokens(const std::vector<AddedToken>& tokens);

  std::vector<TextPart> split(std::string_view text) const;
  std::optional<TokenId> id_of(std::string_view content) const;

 private:
  const AddedToken* longest_at(std::string_view text, std::size_t at) const;

  std::unordered_map<std::string, AddedToken> by_content_;
  std::unordered_map<char, std::vector<std::size_t>> lengths_;  ///< first byte → lengths, longest first
};

}  // namespace sotto::text
