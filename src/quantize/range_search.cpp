#include "quantize/range_search.h"

#include <array>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "quantize/rounding.h"

namespace sotto::quantize {
namespace {

/// Those above 1 are for tokens that lie outside, as new ones may.
constexpr std::array kShares = {3.0F, 2.4F,  2.0F, 1.7F,  1.4F, 1.25F, 1.1F, 1.0F, 0.95F, 0.9F, 0.85F,
                                0.8F, 0.75F, 0.7F, 0.65F, 0.6F, 0.5F,  0.4F, 0.3F, 0.2F,  0.1F};
constexpr int kRounds = 2;  // each end in turn

constexpr std::size_t kLanes = 16;

SOTTO_AVX2_CLONE float squared_error(const float* __restrict x,
                                     const float* __restrict importance,
                                     std::size_t n,
                                     const Levels& levels) {
  float lanes[kLanes] = {};
  std::size_t c = 0;
  for (; c + kLanes <= n; c += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const float error = x[c + i] - levels(x[c + i]);
      lanes[i] += importance[c + i] * error * error;
    }
  }
  for (; c < n; ++c) {
    const float error = x[c] - levels(x[c]);
    lanes[0] += importance[c] * error * error;
  }
  return std::accumulate(lanes, lanes + kLanes, 0.0F);
}

/// Keeps the best of the ranges it is shown.
class Search {
 public:
  Search(const RangeSample& sample, const Extremes& wide, bool symmetric)
      : sample_(sample), wide_(wide), symmetric_(symmetric) {}

  void try_shares(float of_low, float of_high) {
    const Extremes extremes{
        {wide_.min[0] * of_low}, {wide_.max[0] * of_high}, {wide_.max_magnitude[0] * of_high}};
    Range range = symmetric_ ? symmetric_range(extremes.min, extremes.max_magnitude)
                             : asymmetric_range(extremes.min, extremes.max);
    const double error = quantization_error(sample_, range.low[0], range.high[0]);
    if (error < least_) {
      least_ = error;
      low_ = of_low;
      high_ = of_high;
      best_ = std::move(range);
    }
  }

  float low() const { return low_; }
  float high() const { return high_; }
  Range take() { return std::move(best_); }

 private:
  const RangeSample& sample_;
  const Extremes& wide_;
  bool symmetric_;
  double least_ = std::numeric_limits<double>::infinity();
  float low_ = 1.0F;
  float high_ = 1.0F;
  Range best_;
};

}  // namespace

double quantization_error(const RangeSample& sample, float low, float high) {
  const Levels levels(low, high);
  double sum = 0.0;
  for (std::size_t t = 0; t < sample.tokens.size(); ++t) {
    const std::vector<float>& token = sample.tokens[t];
    const double count = sample.counts.empty() ? 1.0 : static_cast<double>(sample.counts[t]);
    sum += count *
           static_cast<double>(squared_error(token.data(), sample.importance.data(), token.size(), levels));
  }
  return sum;
}

Range search_range(const RangeSample& sample, const Extremes& wide, bool symmetric) {
  Search search(sample, wide, symmetric);
  for (const float share : kShares) {
    search.try_shares(share, share);
  }
  for (int round = 0; round < kRounds && !symmetric; ++round) {
    const float low = search.low();
    for (const float share : kShares) {
      search.try_shares(low, share);
    }
    const float high = search.high();
    for (const float share : kShares) {
      search.try_shares(share, high);
    }
  }
  return search.take();
}

}  // namespace sotto::quantize
