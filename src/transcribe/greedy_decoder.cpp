#include "transcribe/greedy_decoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "transcribe/log_sum_exp.h"

namespace sotto::transcribe {
namespace {

TokenId argmax(std::span<const float> logits) {
  return static_cast<TokenId>(std::find(logits.begin(), logits.end(), row_max(logits)) - logits.begin());
}

/// Draws from softmax(logits / temperature) by inverting its cumulative sum.
TokenId draw(std::span<const float> logits, double temperature, Random& random) {
  const double max = row_max(logits);
  const auto weight = [&](float logit) { return std::exp((logit - max) / temperature); };
  const double total = std::accumulate(logits.begin(), logits.end(), 0.0,
                                       [&](double sum, float logit) { return sum + weight(logit); });
  double left = random.uniform() * total;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    left -= weight(logits[id]);
    if (left < 0.0) {
      return static_cast<TokenId>(id);
    }
  }
  return argmax(logits);  // rounding ate the last of the sum
}

}  // namespace

GreedyDecoder::GreedyDecoder(double temperature, std::size_t n_samples, TokenId eot, std::uint64_t seed)
    : temperature_(temperature), eot_(eot), candidates_(n_samples), sample_of_row_(n_samples) {
  for (std::size_t sample = 0; sample < n_samples; ++sample) {
    random_.push_back(Random({seed, std::bit_cast<std::uint64_t>(temperature), sample}));
  }
  std::iota(sample_of_row_.begin(), sample_of_row_.end(), 0U);
}

TokenId GreedyDecoder::extend(OpenRow& row,
                              std::span<const float> logits,
                              float normaliser,
                              std::size_t sample) {
  if (std::isinf(normaliser)) {  // every token is forbidden: nothing is left but to end
    row.sum_logprob = normaliser;
    return eot_;
  }
  const TokenId token = temperature_ > 0.0 ? draw(logits, temperature_, random_[sample]) : argmax(logits);
  row.sum_logprob += logits[static_cast<std::size_t>(token)] - normaliser;
  row.tokens.push_back(token);
  return token;
}

void GreedyDecoder::update(const LogitRows& logits) {
  std::vector<float> normaliser(logits.n_rows());
  for (std::size_t row = 0; row < normaliser.size(); ++row) {
    normaliser[row] = checked_log_sum_exp(logits[row]);
  }
  const bool first = open_rows_.size() != sample_of_row_.size();  // all samples begin at the one empty row
  std::vector<OpenRow> still_open;
  std::vector<std::size_t> their_samples;
  for (std::size_t i = 0; i < sample_of_row_.size(); ++i) {
    const std::size_t source = first ? 0 : i;
    const std::size_t sample = sample_of_row_[i];
    OpenRow row = open_rows_[source];
    row.source = static_cast<std::int32_t>(source);
    if (extend(row, logits[source], normaliser[source], sample) == eot_) {
      candidates_[sample] = {open_rows_[source].tokens, row.sum_logprob};
      continue;
    }
    still_open.push_back(std::move(row));
    their_samples.push_back(sample);
  }
  open_rows_ = std::move(still_open);
  sample_of_row_ = std::move(their_samples);
  completed_ = open_rows_.empty();
}

std::vector<Candidate> GreedyDecoder::finalize() const {
  std::vector<Candidate> all = candidates_;
  for (std::size_t i = 0; i < open_rows_.size(); ++i) {
    all[sample_of_row_[i]] = {open_rows_[i].tokens, open_rows_[i].sum_logprob};
  }
  return all;
}

}  // namespace sotto::transcribe
