#include "transcribe/find_alignment.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "transcribe/dtw.h"
#include "transcribe/median_filter.h"
#include "transcribe/token_decoder.h"
#include "transcribe/word_tokens.h"

namespace sotto::transcribe {
namespace {

constexpr std::size_t kMedianWidth = 7;
constexpr double kSecondsPerFrame = 0.02;  // of the encoder
constexpr std::size_t kMelFramesPerFrame = 2;

/// softmax over each row's first n_columns, [n_rows, n_columns] of a matrix `stride` wide.
std::vector<float> softmax_rows(std::span<const float> scores,
                                std::size_t n_rows,
                                std::size_t stride,
                                std::size_t n_columns) {
  std::vector<float> weights(n_rows * n_columns);
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::span<const float> row = scores.subspan(r * stride, n_columns);
    const float normaliser = checked_log_sum_exp(row);
    std::transform(row.begin(), row.end(), weights.begin() + static_cast<std::ptrdiff_t>(r * n_columns),
                   [&](float x) { return std::exp(x - normaliser); });
  }
  return weights;
}

/// Subtracts from each column its mean over the rows and divides by its (biased) standard deviation.
void standardise_columns(std::span<float> matrix, std::size_t n_rows, std::size_t n_columns) {
  for (std::size_t c = 0; c < n_columns; ++c) {
    double sum = 0.0;
    double sum_of_squares = 0.0;
    for (std::size_t r = 0; r < n_rows; ++r) {
      sum += matrix[r * n_columns + c];
    }
    const double mean = sum / static_cast<double>(n_rows);
    for (std::size_t r = 0; r < n_rows; ++r) {
      const double off = matrix[r * n_columns + c] - mean;
      sum_of_squares += off * off;
    }
    const double deviation = std::sqrt(sum_of_squares / static_cast<double>(n_rows));
    const double scale = deviation > 0.0 ? 1.0 / deviation : 0.0;
    for (std::size_t r = 0; r < n_rows; ++r) {
      matrix[r * n_columns + c] = static_cast<float>((matrix[r * n_columns + c] - mean) * scale);
    }
  }
}

/// Cost of saying each token at each frame, [n_tokens, n_frames]: less where the heads look.
std::vector<float> alignment_cost(const TokenAttention& attention, std::size_t n_frames) {
  const std::size_t n_scores = attention.n_tokens * attention.n_frames;
  std::vector<float> cost(attention.n_tokens * n_frames, 0.0F);
  for (std::size_t head = 0; head < attention.n_heads; ++head) {
    const auto scores = std::span(attention.scores).subspan(head * n_scores, n_scores);
    std::vector<float> weights = softmax_rows(scores, attention.n_tokens, attention.n_frames, n_frames);
    standardise_columns(weights, attention.n_tokens, n_frames);
    for (std::size_t token = 0; token < attention.n_tokens; ++token) {
      median_filter(std::span(weights).subspan(token * n_frames, n_frames), kMedianWidth);
    }
    for (std::size_t i = 0; i < cost.size(); ++i) {
      cost[i] -= weights[i] / static_cast<float>(attention.n_heads);
    }
  }
  return cost;
}

/// The frame at which each row of the path begins.
std::vector<std::size_t> row_begins(const WarpingPath& path) {
  std::vector<std::size_t> begins;
  for (std::size_t k = 0; k < path.rows.size(); ++k) {
    if (k == 0 || path.rows[k] != path.rows[k - 1]) {
      begins.push_back(path.columns[k]);
    }
  }
  return begins;
}

std::vector<double> token_probabilities(const TokenAttention& attention,
                                        std::span<const TokenId> text_tokens,
                                        TokenId eot) {
  std::vector<double> probabilities;
  for (std::size_t i = 0; i < text_tokens.size(); ++i) {
    const auto row = attention.logits.subspan(i * attention.n_vocab, static_cast<std::size_t>(eot));
    const float logit = row[static_cast<std::size_t>(text_tokens[i])];
    probabilities.push_back(std::exp(static_cast<double>(logit - checked_log_sum_exp(row))));
  }
  return probabilities;
}

}  // namespace

std::vector<WordTiming> find_alignment(Aligner& aligner,
                                       const Vocabulary& vocabulary,
                                       std::span<const TokenId> sot_sequence,
                                       std::span<const TokenId> text_tokens,
                                       std::size_t n_frames,
                                       const std::string& language) {
  const std::size_t n_columns = n_frames / kMelFramesPerFrame;
  if (text_tokens.empty() || n_columns == 0) {
    return {};
  }
  std::vector<TokenId> tokens(sot_sequence.begin(), sot_sequence.end());
  tokens.push_back(vocabulary.no_timestamps);
  tokens.insert(tokens.end(), text_tokens.begin(), text_tokens.end());
  tokens.push_back(vocabulary.eot);
  std::vector<std::int64_t> positions(text_tokens.size());
  std::iota(positions.begin(), positions.end(), static_cast<std::int64_t>(sot_sequence.size()));
  const TokenAttention attention = aligner.attend(tokens, positions);
  const std::vector<double> probabilities = token_probabilities(attention, text_tokens, vocabulary.eot);

  // A row's attention belongs to the token behind it: <|notimestamps|> and the text, not the end.
  const std::vector<float> cost = alignment_cost(attention, n_columns);
  const std::size_t n_rows = text_tokens.size() + 1;
  const auto rows = std::span(cost).subspan(sot_sequence.size() * n_columns, n_rows * n_columns);
  const std::vector<std::size_t> begins = row_begins(dtw(rows, n_rows, n_columns));

  std::vector<TokenId> with_end(text_tokens.begin(), text_tokens.end());
  with_end.push_back(vocabulary.eot);
  std::vector<WordTokens> words = split_to_word_tokens(with_end, vocabulary, language);
  std::vector<WordTiming> timings;
  std::size_t first = 0;
  for (std::size_t w = 0; w + 1 < words.size(); ++w) {
    const std::size_t last = first + words[w].tokens.size();
    const double sum = std::accumulate(probabilities.begin() + static_cast<std::ptrdiff_t>(first),
                                       probabilities.begin() + static_cast<std::ptrdiff_t>(last), 0.0);
    timings.push_back({std::move(words[w].word), std::move(words[w].tokens),
                       static_cast<double>(begins[first]) * kSecondsPerFrame,
                       static_cast<double>(begins[last]) * kSecondsPerFrame,
                       sum / static_cast<double>(last - first)});
    first = last;
  }
  return timings;
}

}  // namespace sotto::transcribe
