#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::text {

using TokenId = std::int32_t;

/// Whisper's byte-level BPE tokenizer, read from the files of a Hugging Face model directory.
class Tokenizer {
 public:
  /// Reads tokenizer.json, or vocab.json + merges.txt (+ added_tokens.json) where it is missing.
  /// Throws Error(not_found) or (bad_format) naming the file and the field.
  static Tokenizer load(const std::filesystem::path& directory);

  /// Token ids of UTF-8 text, special tokens in the text not recognised unless `parse_special`.
  /// Invalid UTF-8 is encoded byte by byte as it is (nothing is lost).
  std::vector<TokenId> encode(std::string_view text, bool parse_special = false) const;

  /// Bytes of the tokens, special and timestamp tokens left out; may end inside a UTF-8 character.
  std::string decode_bytes(std::span<const TokenId> ids) const;
  /// As decode_bytes, with incomplete or invalid UTF-8 replaced by U+FFFD (as Python's errors="replace").
  std::string decode(std::span<const TokenId> ids) const;
  /// As decode, with timestamps as <|1.08|> and special tokens spelled out.
  std::string decode_with_timestamps(std::span<const TokenId> ids) const;

  /// Id of a token by its exact text ("<|en|>", "<|0.00|>"), or nullopt.
  std::optional<TokenId> id_of(std::string_view token) const;
  /// The token's text as the vocabulary spells it (special tokens) or its bytes.
  std::string token(TokenId id) const;

  TokenId eot() const;              ///< <|endoftext|>
  TokenId sot() const;              ///< <|startoftranscript|>
  TokenId transcribe() const;       ///< <|transcribe|>
  TokenId translate() const;        ///< <|translate|>
  TokenId sot_lm() const;           ///< <|startoflm|>
  TokenId sot_prev() const;         ///< <|startofprev|>
  TokenId no_speech() const;        ///< <|nospeech|> or <|nocaptions|>
  TokenId no_timestamps() const;    ///< <|notimestamps|>
  TokenId timestamp_begin() const;  ///< <|0.00|>
  bool is_timestamp(TokenId id) const { return id >= timestamp_begin(); }
  /// True if the vocabulary has language tokens beyond English.
  bool is_multilingual() const;
  /// Language code ("en") → token id, in id order of the vocabulary; empty for English-only models.
  const std::map<std::string, TokenId>& language_ids() const;
  /// Whisper's list of tokens that are not speech (brackets, music notes, ...), ascending:
  /// openai/whisper tokenizer.py, non_speech_tokens.
  const std::vector<TokenId>& non_speech_tokens() const;
  std::size_t vocabulary_size() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// "en" for "en", "EN", "english", "English"; throws Error(invalid_argument) listing the nearest names.
/// `option` is what the error names as the place it was found in.
std::string language_code(std::string_view name_or_code, std::string_view option = "language");
/// "english" for "en"; throws Error(invalid_argument) for a code Whisper does not have.
std::string_view language_name(std::string_view code);

/// Whisper's BasicTextNormalizer: lower case, no marks in brackets, symbols to spaces.
std::string normalize_basic(std::string_view text,
                            bool remove_diacritics = false,
                            bool split_letters = false);

/// Whisper's EnglishTextNormalizer with an optional British-to-American spelling table.
class EnglishNormalizer {
 public:
  EnglishNormalizer() = default;
  /// `spelling` maps whole words; see load_spelling for normalizer.json.
  explicit EnglishNormalizer(std::map<std::string, std::string> spelling);
  std::string operator()(std::string_view text) const;

 private:
  std::map<std::string, std::string> spelling_;
};
/// Reads a model directory's normalizer.json (an object of strings); empty if the file does not exist.
std::map<std::string, std::string> load_spelling(const std::filesystem::path& directory);

/// How a hypothesis differs from its reference, in words or characters.
struct ErrorCounts {
  std::size_t hits = 0;
  std::size_t substitutions = 0;
  std::size_t deletions = 0;   ///< in the reference, not in the hypothesis
  std::size_t insertions = 0;  ///< in the hypothesis, not in the reference
  std::size_t reference_length() const { return hits + substitutions + deletions; }
  std::size_t errors() const { return substitutions + deletions + insertions; }
  /// errors / reference_length; nullopt where the reference is empty.
  std::optional<double> rate() const;
  ErrorCounts& operator+=(const ErrorCounts& other);
};

enum class Edit { hit, substitution, deletion, insertion };
/// One step of the alignment; the unused side is empty.
struct AlignedWord {
  Edit edit = Edit::hit;
  std::string reference;
  std::string hypothesis;
};

/// Minimum edit distance over whitespace-separated words (jiwer's definition).
ErrorCounts word_errors(std::string_view reference, std::string_view hypothesis);
/// The same over Unicode characters.
ErrorCounts character_errors(std::string_view reference, std::string_view hypothesis);
/// The alignment behind word_errors, in reading order.
std::vector<AlignedWord> align_words(std::string_view reference, std::string_view hypothesis);

/// What chrF counts, additive over sentences.
struct ChrfCounts {
  static constexpr std::size_t kMaxOrder = 6;
  struct Order {
    std::size_t hypothesis = 0;  ///< n-grams of the hypothesis
    std::size_t reference = 0;
    std::size_t matches = 0;
  };
  std::array<Order, kMaxOrder> orders = {};  ///< of 1 to kMaxOrder characters
  ChrfCounts& operator+=(const ChrfCounts& other);
  /// chrF2, 0 to 100; nullopt where the reference is empty.
  std::optional<double> score() const;
};
/// Character n-grams that two texts share, white space left out; for translations, on the texts as they are.
/// Source: sacrebleu 2.5.1, metrics/chrf.py (nc:6, nw:0, beta 2, effective order).
ChrfCounts chrf_counts(std::string_view reference, std::string_view hypothesis);

}  // namespace sotto::text
