#include <algorithm>
#include <string>
#include <unordered_map>

#include "sotto/text.h"
#include "text/normalize_steps.h"
#include "text/unicode.h"

namespace sotto::text {
namespace {

using NgramCounts = std::unordered_map<std::u32string, std::size_t>;

std::u32string without_spaces(std::string_view text) {
  std::u32string characters = to_utf32(text);
  std::erase_if(characters, is_space);
  return characters;
}

NgramCounts count_ngrams(const std::u32string& characters, std::size_t order) {
  NgramCounts counts;
  for (std::size_t i = 0; i + order <= characters.size(); ++i) {
    ++counts[characters.substr(i, order)];
  }
  return counts;
}

std::size_t n_ngrams(const std::u32string& characters, std::size_t order) {
  return characters.size() < order ? 0 : characters.size() - order + 1;
}

std::size_t count_matches(const NgramCounts& reference, const NgramCounts& hypothesis) {
  std::size_t matches = 0;
  for (const auto& [ngram, n] : hypothesis) {
    const auto found = reference.find(ngram);
    matches += found == reference.end() ? 0 : std::min(n, found->second);
  }
  return matches;
}

}  // namespace

ChrfCounts& ChrfCounts::operator+=(const ChrfCounts& other) {
  for (std::size_t i = 0; i < kMaxOrder; ++i) {
    orders[i].hypothesis += other.orders[i].hypothesis;
    orders[i].reference += other.orders[i].reference;
    orders[i].matches += other.orders[i].matches;
  }
  return *this;
}

std::optional<double> ChrfCounts::score() const {
  if (orders[0].reference == 0) {
    return std::nullopt;
  }
  constexpr double kBetaSquared = 4.0;
  double precision = 0.0;
  double recall = 0.0;
  int n_orders = 0;
  for (const Order& order : orders) {
    if (order.hypothesis > 0 && order.reference > 0) {
      precision += static_cast<double>(order.matches) / static_cast<double>(order.hypothesis);
      recall += static_cast<double>(order.matches) / static_cast<double>(order.reference);
      ++n_orders;
    }
  }
  if (n_orders == 0 || precision + recall <= 0.0) {
    return 0.0;
  }
  precision /= n_orders;
  recall /= n_orders;
  return 100.0 * (1.0 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall);
}

ChrfCounts chrf_counts(std::string_view reference, std::string_view hypothesis) {
  const std::u32string from = without_spaces(reference);
  const std::u32string to = without_spaces(hypothesis);
  ChrfCounts counts;
  for (std::size_t i = 0; i < ChrfCounts::kMaxOrder; ++i) {
    const std::size_t order = i + 1;
    counts.orders[i].reference = n_ngrams(from, order);
    // sacrebleu leaves orders out that the reference is too short for, not those the hypothesis is.
    counts.orders[i].hypothesis = counts.orders[i].reference == 0 ? 0 : n_ngrams(to, order);
    counts.orders[i].matches = count_matches(count_ngrams(from, order), count_ngrams(to, order));
  }
  return counts;
}

}  // namespace sotto::text
