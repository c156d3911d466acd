#include "transcribe/logit_filters.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "transcribe/log_sum_exp.h"

namespace sotto::transcribe {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

/// Forbids the ids [begin, end), cut to the vocabulary.
void forbid(std::span<float> logits, TokenId begin, TokenId end) {
  const auto last = std::min(static_cast<std::size_t>(std::max(end, 0)), logits.size());
  for (auto id = static_cast<std::size_t>(std::max(begin, 0)); id < last; ++id) {
    logits[id] = kForbidden;
  }
}

void forbid(std::span<float> logits, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) {
    forbid(logits, id, id + 1);
  }
}

TokenId end_of(std::span<const float> logits) {
  return static_cast<TokenId>(logits.size());
}

}  // namespace

SuppressBlank::SuppressBlank(const Vocabulary& vocabulary) : forbidden_(vocabulary.blank) {
  forbidden_.push_back(vocabulary.eot);
}

void SuppressBlank::apply(std::span<float> logits, std::span<const TokenId> sampled) const {
  if (sampled.empty()) {
    forbid(logits, forbidden_);
  }
}

SuppressTokens::SuppressTokens(std::vector<TokenId> tokens) : tokens_(std::move(tokens)) {}

void SuppressTokens::apply(std::span<float> logits, std::span<const TokenId> /*sampled*/) const {
  forbid(logits, tokens_);
}

ApplyTimestampRules::ApplyTimestampRules(const Vocabulary& vocabulary,
                                         std::optional<int> max_initial_timestamp_index)
    : eot_(vocabulary.eot),
      no_timestamps_(vocabulary.no_timestamps),
      timestamp_begin_(vocabulary.timestamp_begin),
      max_initial_timestamp_index_(max_initial_timestamp_index) {}

void ApplyTimestampRules::apply(std::span<float> logits, std::span<const TokenId> sampled) const {
  forbid(logits, no_timestamps_, no_timestamps_ + 1);
  if (sampled.empty()) {
    apply_first(logits);
  } else {
    apply_pairing(logits, sampled);
  }
  prefer_timestamps(logits);
}

void ApplyTimestampRules::apply_first(std::span<float> logits) const {
  forbid(logits, 0, timestamp_begin_);
  if (max_initial_timestamp_index_) {
    forbid(logits, timestamp_begin_ + *max_initial_timestamp_index_ + 1, end_of(logits));
  }
}

void ApplyTimestampRules::apply_pairing(std::span<float> logits, std::span<const TokenId> sampled) const {
  const auto is_timestamp = [this](TokenId id) { return id >= timestamp_begin_; };
  const bool last_was_timestamp = is_timestamp(sampled.back());
  const bool penultimate_was_timestamp = sampled.size() < 2 || is_timestamp(sampled[sampled.size() - 2]);
  if (last_was_timestamp && penultimate_was_timestamp) {
    forbid(logits, timestamp_begin_, end_of(logits));
  } else if (last_was_timestamp) {
    forbid(logits, 0, eot_);
  }
  const auto latest = std::find_if(sampled.rbegin(), sampled.rend(), is_timestamp);
  if (latest != sampled.rend()) {
    // A segment may begin where the one before it ended, but may not end where it began: a window of no
    // progress would be decoded for ever.
    const bool opens_segment = last_was_timestamp && !penultimate_was_timestamp;
    forbid(logits, timestamp_begin_, opens_segment ? *latest : *latest + 1);
  }
}

void ApplyTimestampRules::prefer_timestamps(std::span<float> logits) const {
  const auto begin = std::min(static_cast<std::size_t>(timestamp_begin_), logits.size());
  // Both sides lack the same log-softmax normaliser, so logits will do.
  if (log_sum_exp(logits.subspan(begin)) > row_max(logits.first(begin))) {
    forbid(logits, 0, timestamp_begin_);
  }
}

}  // namespace sotto::transcribe
