#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sotto::model::sources {

/// The text tokens of a byte-level BPE vocabulary whose ids are their ranks, as tiktoken has them: of two
/// pairs the one that makes the token of lower id is merged first.
class Vocabulary {
 public:
  using Id = std::int32_t;

  /// `tokens` are bytes by id. Throws Error(bad_format) naming `where` if one of the 256 bytes is missing, a
  /// token is there twice (but the empty one) or longer than 256 bytes.
  Vocabulary(std::vector<std::string> tokens, const std::string& where);
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// Reads openai/whisper's NAME.tiktoken: lines of base64 and rank.
  static Vocabulary read_tiktoken(const std::filesystem::path& path);
  /// Reads Hugging Face's vocab.json, or the vocabulary in tokenizer.json, up to `n_text_tokens`.
  static Vocabulary read_json(const std::filesystem::path& path, std::size_t n_text_tokens);

  /// The two tokens each longer token is merged from, in the order of merging; nothing but ranks is needed.
  /// Throws Error(bad_format) for a token no two earlier tokens make.
  std::vector<std::pair<Id, Id>> merges() const;

  /// Ids of a text that GPT-2's pattern would leave in one piece.
  std::vector<Id> encode_piece(std::string_view text) const;

  /// The tokens that are not speech, ascending: openai/whisper 20250625, tokenizer.py, non_speech_tokens.
  std::vector<Id> non_speech_tokens() const;

  const std::vector<std::string>& tokens() const { return tokens_; }

  /// The token in GPT-2's printable alphabet, as vocab.json spells it ("Ġthe").
  static std::string printable(std::string_view token);
  /// The way back; null where a letter is outside that alphabet.
  static std::optional<std::string> bytes(std::string_view printable);

 private:
  std::vector<Id> merge(std::string_view text, Id end_rank) const;
  Id id_of(std::string_view token) const;

  std::string where_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, Id> ids_;  ///< views into tokens_
};

}  // namespace sotto::model::sources
