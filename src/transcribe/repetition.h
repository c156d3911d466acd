#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "transcribe/logit_filters.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Forbids the token that would complete a sequence of `size` text tokens said before in the window.
/// Timestamps between them do not count. Source: CTranslate2 4.8, NoRepeatNgram (which counts them).
class NoRepeatNgram final : public LogitFilter {
 public:
  /// Ids from n_text on are not text.
  NoRepeatNgram(std::size_t size, TokenId n_text) : size_(size), n_text_(n_text) {}
  void apply(std::span<float> logits, std::span<const TokenId> sampled) const override;

 private:
  std::size_t size_;
  TokenId n_text_;
};

/// Makes text tokens said before in the window less likely: a logit above 0 is divided by the penalty, one
/// below multiplied. Source: CTranslate2 4.8, RepetitionPenalty (arXiv:1909.05858).
class RepetitionPenalty final : public LogitFilter {
 public:
  RepetitionPenalty(double penalty, TokenId n_text)
      : penalty_(static_cast<float>(penalty)), n_text_(n_text) {}
  void apply(std::span<float> logits, std::span<const TokenId> sampled) const override;

 private:
  float penalty_;
  TokenId n_text_;
};

/// How often at most a sequence of text tokens is said, each time right behind the last: 3 for "a b a b a b".
std::size_t longest_loop(std::span<const TokenId> tokens, TokenId n_text);

}  // namespace sotto::transcribe
