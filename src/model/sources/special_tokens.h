#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sotto::model::sources {

/// Ids of the tokens behind the text tokens, in their order: <|endoftext|>, <|startoftranscript|>, languages,
/// <|translate|>, <|transcribe|>, <|startoflm|>, <|startofprev|>, <|nospeech|>, <|notimestamps|>, then
/// <|0.00|> to <|30.00|>.
struct SpecialTokens {
  std::int32_t n_text_tokens = 0;
  std::int32_t n_languages = 0;
  bool is_multilingual = true;

  std::int32_t eot() const { return n_text_tokens; }
  std::int32_t sot() const { return eot() + 1; }
  std::int32_t language(std::int32_t index) const { return sot() + 1 + index; }
  std::int32_t translate() const { return language(n_languages); }
  std::int32_t transcribe() const { return translate() + 1; }
  std::int32_t sot_lm() const { return transcribe() + 1; }
  std::int32_t sot_prev() const { return sot_lm() + 1; }
  std::int32_t no_speech() const { return sot_prev() + 1; }
  std::int32_t no_timestamps() const { return no_speech() + 1; }
  std::int32_t timestamp_begin() const { return no_timestamps() + 1; }
  std::int32_t n_vocab() const;

  /// Text and id of every special token, by id, spelled as Hugging Face spells them for this version.
  std::vector<std::pair<std::string, std::int32_t>> named() const;
};

/// The tokens of the vocabularies openai/whisper has: 51864 tokens (English only), 51865 (versions 1 and 2,
/// 99 languages) and 51866 (version 3, 100 languages). Null for other sizes: what their ids mean is not
/// known. Source: openai/whisper 20250625, tokenizer.py (get_encoding) and model.py (is_multilingual,
/// num_languages).
std::optional<SpecialTokens> official_special_tokens(std::int64_t n_vocab);

/// Whisper's 100 language codes in the order of their ids.
std::span<const std::string_view> whisper_languages();

}  // namespace sotto::model::sources
