#include "transcribe/subtitles/line_break.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace sotto::subtitles {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What ending a line after such a unit costs, as a share of the squared line width.
double stop_cost(Stop stop) {
  switch (stop) {
    case Stop::sentence:
      return 0.0;
    case Stop::clause:
    case Stop::segment:
      return 0.02;
    case Stop::none:
      break;
  }
  return 0.08;
}

/// Cuts units into exactly `n_lines` lines: cost_[line][end] is the least of all ways to cut units before
/// `end` into the lines up to `line`.
class Balancer {
 public:
  Balancer(std::span<const Unit> units, const LineLimits& limits, int n_lines, int total_width)
      : units_(units),
        limits_(limits),
        n_lines_(static_cast<std::size_t>(n_lines)),
        mean_width_(static_cast<double>(total_width) / n_lines) {}

  std::vector<std::size_t> cut() {
    const std::size_t n = units_.size();
    std::vector<std::vector<double>> cost(n_lines_ + 1, std::vector<double>(n + 1, kInfinity));
    std::vector<std::vector<std::size_t>> from(n_lines_ + 1, std::vector<std::size_t>(n + 1, 0));
    cost[0][0] = 0.0;
    for (std::size_t line = 1; line <= n_lines_; ++line) {
      for (std::size_t begin = 0; begin < n; ++begin) {
        extend(cost[line - 1][begin], begin, cost[line], from[line]);
      }
    }
    std::vector<std::size_t> lengths(n_lines_);
    std::size_t end = n;
    for (std::size_t line = n_lines_; line > 0; --line) {
      lengths[line - 1] = end - from[line][end];
      end = from[line][end];
    }
    return lengths;
  }

 private:
  /// Tries every line that begins at `begin`.
  void extend(double before, std::size_t begin, std::vector<double>& cost, std::vector<std::size_t>& from) {
    if (before == kInfinity) {
      return;
    }
    LineFiller filler({limits_.width, 1, limits_.n_words});
    for (std::size_t end = begin + 1; end <= units_.size(); ++end) {
      filler.add(units_[end - 1]);
      if (filler.n_lines() > 1) {
        return;
      }
      const double off = (filler.width() - mean_width_) / limits_.width;
      const double total = before + off * off + (end < units_.size() ? stop_cost(units_[end - 1].stop) : 0.0);
      if (total < cost[end]) {
        cost[end] = total;
        from[end] = begin;
      }
    }
  }

  std::span<const Unit> units_;
  const LineLimits& limits_;
  std::size_t n_lines_;
  double mean_width_;
};

}  // namespace

void LineFiller::add(const Unit& unit) {
  const int space = unit.space_before && n_lines_ > 0 ? 1 : 0;
  const int n_words = static_cast<int>(unit.words.size());
  const bool has_words_left = limits_.n_words <= 0 || line_words_ + n_words <= limits_.n_words;
  total_width_ += unit.width + space;
  if (n_lines_ > 0 && has_words_left && line_width_ + space + unit.width <= limits_.width) {
    line_width_ += space + unit.width;
    line_words_ += n_words;
    return;
  }
  ++n_lines_;
  line_width_ = unit.width;
  line_words_ = n_words;
}

std::vector<std::size_t> balanced_lines(std::span<const Unit> units, const LineLimits& limits) {
  LineFiller filler(limits);
  for (const Unit& unit : units) {
    filler.add(unit);
  }
  if (filler.n_lines() <= 1) {
    return {units.size()};
  }
  return Balancer(units, limits, filler.n_lines(), filler.width()).cut();
}

}  // namespace sotto::subtitles
