#include "evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

namespace sotto::evaluate {
namespace {

constexpr std::size_t kResamples = 10000;
constexpr std::uint64_t kSeed = 20041;

/// 0 .. n-1 by multiplication: the same on every platform, unlike std::uniform_int_distribution.
std::size_t draw(std::mt19937_64& random, std::size_t n) {
  return static_cast<std::size_t>(((random() >> 32U) * n) >> 32U);
}

double standard_deviation(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0.0;
  for (const double value : values) {
    mean += value / n;
  }
  double squares = 0.0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return std::sqrt(squares / std::max(n - 1.0, 1.0));
}

/// Utterances with which a difference of `points` stands out: 5 % two-sided, 80 % power.
std::optional<std::size_t> utterances_to_show(std::size_t n, double points, double deviation) {
  constexpr double kQuantiles = 1.959964 + 0.841621;
  if (points == 0.0) {
    return std::nullopt;
  }
  const double ratio = kQuantiles * deviation / points;
  return static_cast<std::size_t>(std::ceil(static_cast<double>(n) * ratio * ratio));
}

std::optional<double> accuracy(std::size_t errors, std::size_t words) {
  return words == 0 ? std::nullopt
                    : std::optional(100.0 * (1.0 - static_cast<double>(errors) / static_cast<double>(words)));
}

}  // namespace

std::vector<double> bootstrap(std::size_t n, const Statistic& statistic) {
  std::vector<double> values;
  if (n < 2) {
    return values;
  }
  values.reserve(kResamples);
  std::mt19937_64 random(kSeed);
  std::vector<std::size_t> indices(n);
  for (std::size_t i = 0; i < kResamples; ++i) {
    std::generate(indices.begin(), indices.end(), [&] { return draw(random, n); });
    if (const auto value = statistic(indices)) {
      values.push_back(*value);
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

double percentile(std::span<const double> ascending, double fraction) {
  const double at = fraction * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], at - static_cast<double>(below));
}

std::optional<Interval> percentile_interval(std::span<const double> ascending) {
  if (ascending.empty()) {
    return std::nullopt;
  }
  return Interval{percentile(ascending, 0.025), percentile(ascending, 0.975)};
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  return {.n = values.size(),
          .p5 = percentile(values, 0.05),
          .median = percentile(values, 0.5),
          .p95 = percentile(values, 0.95)};
}

std::optional<Interval> accuracy_interval(const Measurement& measurement) {
  const auto& utterances = measurement.utterances;
  return percentile_interval(bootstrap(utterances.size(), [&](std::span<const std::size_t> indices) {
    std::size_t errors = 0;
    std::size_t words = 0;
    for (const std::size_t i : indices) {
      errors += utterances[i].words.errors();
      words += utterances[i].words.reference_length();
    }
    return accuracy(errors, words);
  }));
}

std::optional<Interval> chrf_interval(const Measurement& measurement) {
  const auto& utterances = measurement.utterances;
  return percentile_interval(bootstrap(utterances.size(), [&](std::span<const std::size_t> indices) {
    text::ChrfCounts counts;
    for (const std::size_t i : indices) {
      counts += utterances[i].chrf;
    }
    return counts.score();
  }));
}

std::optional<AccuracyDrop> accuracy_drop(const Measurement& first, const Measurement& other) {
  const auto from = first.word_accuracy_percent();
  const auto to = other.word_accuracy_percent();
  if (!from || !to) {
    return std::nullopt;
  }
  AccuracyDrop drop{.points = *from - *to, .interval = {}, .is_shown = false, .n_utterances_to_show = {}};
  const std::size_t n = std::min(first.utterances.size(), other.utterances.size());
  const std::vector<double> drops =
      bootstrap(n, [&](std::span<const std::size_t> indices) -> std::optional<double> {
        double more_errors = 0.0;
        std::size_t words = 0;
        for (const std::size_t i : indices) {
          more_errors += static_cast<double>(other.utterances[i].words.errors());
          more_errors -= static_cast<double>(first.utterances[i].words.errors());
          words += first.utterances[i].words.reference_length();
        }
        return words == 0 ? std::nullopt : std::optional(100.0 * more_errors / static_cast<double>(words));
      });
  drop.interval = percentile_interval(drops).value_or(Interval{-100.0, 100.0});
  drop.is_shown = drop.interval.low > 0.0 || drop.interval.high < 0.0;
  if (!drop.is_shown && !drops.empty()) {
    drop.n_utterances_to_show = utterances_to_show(n, drop.points, standard_deviation(drops));
  }
  return drop;
}

}  // namespace sotto::evaluate
