#pragma once

#include <optional>
#include <span>
#include <vector>

#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// A rule that forbids tokens by setting their logits to -infinity.
/// Source of all below: openai/whisper 20250625, decoding.py.
class LogitFilter {
 public:
  virtual ~LogitFilter() = default;
  /// `logits` [n_vocab] are those of the token that follows `sampled`, the tokens of this row since the
  /// prompt (empty at the first).
  virtual void apply(std::span<float> logits, std::span<const TokenId> sampled) const = 0;
};

/// No window begins with a blank or with its end.
class SuppressBlank final : public LogitFilter {
 public:
  explicit SuppressBlank(const Vocabulary& vocabulary);
  void apply(std::span<float> logits, std::span<const TokenId> sampled) const override;

 private:
  std::vector<TokenId> forbidden_;
};

/// Tokens that are never produced.
class SuppressTokens final : public LogitFilter {
 public:
  explicit SuppressTokens(std::vector<TokenId> tokens);
  void apply(std::span<float> logits, std::span<const TokenId> sampled) const override;

 private:
  std::vector<TokenId> tokens_;
};

/// Timestamps come first, in pairs except before the end, and never go back; where all timestamps together
/// are likelier than the likeliest other token, a timestamp is due.
class ApplyTimestampRules final : public LogitFilter {
 public:
  /// The first timestamp is at most max_initial_timestamp_index steps of 20 ms; nullopt: any.
  ApplyTimestampRules(const Vocabulary& vocabulary, std::optional<int> max_initial_timestamp_index);
  void apply(std::span<float> logits, std::span<const TokenId> sampled) const override;

 private:
  void apply_pairing(std::span<float> logits, std::span<const TokenId> sampled) const;
  void apply_first(std::span<float> logits) const;
  void prefer_timestamps(std::span<float> logits) const;

  TokenId eot_;
  TokenId no_timestamps_;
  TokenId timestamp_begin_;
  std::optional<int> max_initial_timestamp_index_;
};

}  // namespace sotto::transcribe
