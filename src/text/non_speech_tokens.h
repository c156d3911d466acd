#pragma once

#include <vector>

#include "sotto/text.h"

namespace sotto::text {

/// Tokens that spell what is not spoken (brackets, speaker tags, music notes), ascending.
///
/// Same tokens as openai/whisper for its two vocabularies. A vocabulary too small to have " -", " '" or the
/// music notes as Whisper's have loses nothing for it: openai's rule "the first token of what is several"
/// would there suppress the space itself, or the first byte of every curly quote. Source: openai/whisper
/// 20250625, tokenizer.py, Tokenizer.non_speech_tokens.
std::vector<TokenId> find_non_speech_tokens(const Tokenizer& tokenizer);

}  // namespace sotto::text
