#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// A word with the tokens that spell it.
struct WordTokens {
  std::string word;
  std::vector<TokenId> tokens;
};

/// Words of a token sequence: split at spaces and punctuation, or, in languages written without spaces, after
/// every run of tokens that spells whole characters. Special tokens are words of their own.
/// Source: openai/whisper 20250625, tokenizer.py, split_to_word_tokens.
std::vector<WordTokens> split_to_word_tokens(std::span<const TokenId> tokens,
                                             const Vocabulary& vocabulary,
                                             std::string_view language);

}  // namespace sotto::transcribe
