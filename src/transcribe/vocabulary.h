#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sotto/text.h"
#include "sotto/transcribe.h"

namespace sotto::transcribe {

using text::TokenId;

/// What decoding needs to know of a tokenizer: the special ids and text in and out.
struct Vocabulary {
  TokenId eot = 0;
  TokenId sot = 0;
  TokenId transcribe = 0;
  TokenId translate = 0;
  TokenId sot_lm = 0;
  TokenId sot_prev = 0;
  TokenId no_speech = 0;
  TokenId no_timestamps = 0;
  TokenId timestamp_begin = 0;
  /// False: the prompt holds neither language nor task (Whisper's .en models).
  bool is_multilingual = true;
  std::map<std::string, TokenId> language_ids;  ///< "en" → id
  std::vector<TokenId> blank;                   ///< the tokens of " "
  std::vector<TokenId> non_speech;
  std::function<std::vector<TokenId>(std::string_view)> encode;
  std::function<std::string(std::span<const TokenId>)> decode;
  std::function<std::string(std::span<const TokenId>)> decode_with_timestamps;

  bool is_timestamp(TokenId id) const { return id >= timestamp_begin; }
  bool is_text(TokenId id) const { return id < eot; }
};

/// `is_multilingual` is the model's word: an English-only model's tokenizer may have language tokens too.
Vocabulary make_vocabulary(const text::Tokenizer& tokenizer, bool is_multilingual);

/// What every window begins with: <|startoftranscript|> and, for multilingual models, language and task.
std::vector<TokenId> sot_sequence(const Vocabulary& vocabulary, Task task, const std::string& language);

}  // namespace sotto::transcribe
