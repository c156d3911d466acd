#include "transcribe/repetition.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace sotto::transcribe {
namespace {

std::vector<TokenId> text_of(std::span<const TokenId> tokens, TokenId n_text) {
  std::vector<TokenId> text;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(text),
               [n_text](TokenId id) { return id < n_text; });
  return text;
}

}  // namespace

void NoRepeatNgram::apply(std::span<float> logits, std::span<const TokenId> sampled) const {
  const std::vector<TokenId> text = text_of(sampled, n_text_);
  if (text.size() < size_) {
    return;
  }
  const std::span<const TokenId> begun = std::span(text).last(size_ - 1);
  for (std::size_t i = 0; i + size_ <= text.size(); ++i) {
    if (std::equal(begun.begin(), begun.end(), text.begin() + static_cast<std::ptrdiff_t>(i))) {
      logits[static_cast<std::size_t>(text[i + size_ - 1])] = -std::numeric_limits<float>::infinity();
    }
  }
}

void RepetitionPenalty::apply(std::span<float> logits, std::span<const TokenId> sampled) const {
  std::vector<TokenId> said = text_of(sampled, n_text_);
  std::sort(said.begin(), said.end());
  said.erase(std::unique(said.begin(), said.end()), said.end());
  for (const TokenId id : said) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0.0F ? logit / penalty_ : logit * penalty_;
  }
}

std::size_t longest_loop(std::span<const TokenId> tokens, TokenId n_text) {
  const std::vector<TokenId> text = text_of(tokens, n_text);
  std::size_t most = text.empty() ? 0 : 1;
  for (std::size_t period = 1; period <= text.size() / 2; ++period) {
    std::size_t n_same = 0;  // tokens in a row that equal the one a period before
    for (std::size_t i = period; i < text.size(); ++i) {
      n_same = text[i] == text[i - period] ? n_same + 1 : 0;
      most = std::max(most, n_same / period + 1);
    }
  }
  return most;
}

}  // namespace sotto::transcribe
