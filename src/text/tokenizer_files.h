#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sotto/text.h"

namespace sotto::text {

/// A token outside the byte-level vocabulary, found in text before it is cut into pieces.
struct AddedToken {
  TokenId id = 0;
  std::string content{};
  bool special = true;       ///< left out of decoded text
  bool lstrip = false;       ///< takes the whitespace on its left with it
  bool rstrip = false;       ///< takes the whitespace on its right with it
  bool single_word = false;  ///< only where no letter or digit touches it
};

/// What the tokenizer files of a model directory hold, with spellings turned into bytes.
struct TokenizerFiles {
  std::filesystem::path source{};  ///< for messages
  std::unordered_map<std::string, TokenId> vocabulary{};
  std::vector<std::pair<std::string, std::string>> merges{};
  std::vector<AddedToken> added{};
  bool add_prefix_space = false;
};

/// Reads tokenizer.json, or vocab.json + merges.txt (+ added_tokens.json) where there is none.
/// Throws Error(not_found), (bad_format) or (unsupported) naming the file and the field.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& directory);

}  // namespace sotto::text
