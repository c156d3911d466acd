#include "transcribe/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace sotto::transcribe {
namespace {

/// A row extended by one token.
struct Extension {
  std::size_t row = 0;
  TokenId token = 0;
  float sum_logprob = 0.0F;
};

/// The ids of the `count` largest logits that are not forbidden, largest first, the lower id first among
/// equals.
std::vector<TokenId> top_k(std::span<const float> logits, std::size_t count) {
  const auto logit_of = [&](TokenId id) { return logits[static_cast<std::size_t>(id)]; };
  std::vector<TokenId> best;  // sorted; count is a handful, so insertion beats a heap
  float bar = -std::numeric_limits<float>::infinity();
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float logit = logits[id];
    if (!(logit > bar)) {
      continue;
    }
    const auto place =
        std::find_if(best.begin(), best.end(), [&](TokenId other) { return logit > logit_of(other); });
    best.insert(place, static_cast<TokenId>(id));
    if (best.size() > count) {
      best.pop_back();
    }
    bar = best.size() == count ? logit_of(best.back()) : bar;
  }
  return best;
}

/// The beam_size + 1 likeliest allowed extensions of each row (one may be the end), best first.
std::vector<Extension> extend(const std::vector<OpenRow>& rows,
                              const LogitRows& logits,
                              std::size_t beam_size) {
  std::vector<Extension> all;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const float normaliser = checked_log_sum_exp(logits[row]);
    for (const TokenId token : top_k(logits[row], beam_size + 1)) {
      const float logprob = logits[row][static_cast<std::size_t>(token)] - normaliser;
      all.push_back({row, token, rows[row].sum_logprob + logprob});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Extension& a, const Extension& b) { return a.sum_logprob > b.sum_logprob; });
  return all;
}

}  // namespace

BeamSearchDecoder::BeamSearchDecoder(std::size_t beam_size, double patience, TokenId eot)
    : beam_size_(beam_size),
      max_candidates_(static_cast<std::size_t>(std::nearbyint(static_cast<double>(beam_size) * patience))),
      eot_(eot) {}

void BeamSearchDecoder::update(const LogitRows& logits) {
  std::vector<OpenRow> next;
  for (const Extension& extension : extend(open_rows_, logits, beam_size_)) {
    const OpenRow& prefix = open_rows_[extension.row];
    if (extension.token == eot_) {
      if (finished_.size() < max_candidates_) {
        finished_.push_back({prefix.tokens, extension.sum_logprob});
      }
      continue;
    }
    OpenRow row{prefix.tokens, extension.sum_logprob, static_cast<std::int32_t>(extension.row)};
    row.tokens.push_back(extension.token);
    next.push_back(std::move(row));
    if (next.size() == beam_size_) {
      break;
    }
  }
  if (next.empty() && finished_.empty()) {  // every token is forbidden: nothing is left but to end
    finished_.push_back({open_rows_.front().tokens, -std::numeric_limits<double>::infinity()});
  }
  open_rows_ = std::move(next);
  completed_ = finished_.size() >= max_candidates_ || open_rows_.empty();
}

std::vector<Candidate> BeamSearchDecoder::finalize() const {
  std::vector<Candidate> all = finished_;
  std::vector<std::size_t> order(open_rows_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    return open_rows_[a].sum_logprob > open_rows_[b].sum_logprob;
  });
  for (const std::size_t i : order) {
    if (all.size() >= beam_size_) {
      break;
    }
    all.push_back({open_rows_[i].tokens, open_rows_[i].sum_logprob});
  }
  return all;
}

}  // namespace sotto::transcribe
