#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>

#include "transcribe/subtitles/cue.h"
#include "transcribe/subtitles/line_break.h"

namespace sotto::subtitles {
namespace {

constexpr int kReadableWidth = 42;
constexpr int kReadableLines = 2;
constexpr double kCueBreakS = 2.0;    // a longer pause always ends a cue
constexpr double kPauseS = 0.5;       // a shorter gap between cues is closed
constexpr int kShortColumns = 14;     // a cue below it is a fragment unless it is a sentence
constexpr int kShortWordColumns = 3;  // articles, prepositions, conjunctions of most languages

LineLimits limits_of(const LayoutOptions& options) {
  return {.width = options.max_line_width > 0 ? options.max_line_width : kReadableWidth,
          .n_lines = options.max_line_count > 0 ? options.max_line_count : kReadableLines,
          .n_words = options.max_words_per_line};
}

/// Cuts units into cues by dynamic programming. Costs are in cues: one more cue costs 1.
class CueCutter {
 public:
  CueCutter(std::span<const Unit> units, const LayoutOptions& options)
      : units_(units), options_(options), limits_(limits_of(options)) {}

  /// Where cues end, ascending; the last is the number of units.
  std::vector<std::size_t> ends() const {
    const std::size_t n = units_.size();
    std::vector<double> cost(n + 1, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> from(n + 1, 0);
    cost[0] = 0.0;
    for (std::size_t begin = 0; begin < n; ++begin) {
      extend(begin, cost, from);
    }
    std::vector<std::size_t> ends;
    for (std::size_t end = n; end > 0; end = from[end]) {
      ends.push_back(end);
    }
    std::reverse(ends.begin(), ends.end());
    return ends;
  }

 private:
  void extend(std::size_t begin, std::vector<double>& cost, std::vector<std::size_t>& from) const {
    LineFiller filler(limits_);
    double inner_cost = 0.0;
    for (std::size_t end = begin + 1; end <= units_.size(); ++end) {
      filler.add(units_[end - 1]);
      if (end - begin > 1 && !fits(begin, end, filler)) {
        return;
      }
      const double total =
          cost[begin] + 1.0 + inner_cost + end_cost(end) + cue_cost(begin, end, filler.width());
      if (total < cost[end]) {
        cost[end] = total;
        from[end] = begin;
      }
      inner_cost += inner_break_cost(end);
    }
  }

  bool fits(std::size_t begin, std::size_t end, const LineFiller& filler) const {
    return filler.n_lines() <= limits_.n_lines &&
           units_[end - 1].end_s() - units_[begin].start_s() <= options_.max_cue_duration &&
           pause_before(end - 1) <= kCueBreakS;
  }

  double pause_before(std::size_t i) const {
    return i == 0 || i >= units_.size() ? 0.0 : units_[i].start_s() - units_[i - 1].end_s();
  }

  /// Of ending a cue before unit `end`.
  double end_cost(std::size_t end) const {
    const Unit& last = units_[end - 1];
    if (end == units_.size() || last.stop == Stop::sentence) {
      return 0.0;
    }
    if (pause_before(end) > kPauseS) {
      return 0.3;
    }
    if (last.stop == Stop::clause || last.stop == Stop::segment) {
      return 0.6;
    }
    return last.width <= kShortWordColumns ? 2.5 : 2.0;
  }

  /// Of going on in the same cue after unit `end - 1`.
  double inner_break_cost(std::size_t end) const {
    const double pause = pause_before(end);
    return (units_[end - 1].stop == Stop::sentence ? 1.2 : 0.0) + (pause > 1.0 ? pause : 0.0);
  }

  /// Of a cue that is too short, or too much to read in the time it can have.
  double cue_cost(std::size_t begin, std::size_t end, int width) const {
    const double next_s =
        end < units_.size() ? units_[end].start_s() : std::numeric_limits<double>::infinity();
    const double room_s = std::max(std::max(next_s, units_[end - 1].end_s()) - units_[begin].start_s(), 0.01);
    double cost = 0.0;
    if (room_s < options_.min_cue_duration) {
      cost += 2.0 * (1.0 - room_s / options_.min_cue_duration);
    }
    const double reading_s = width / options_.max_chars_per_second;
    if (room_s < reading_s) {
      cost += 1.5 * std::min(reading_s / room_s - 1.0, 2.0);
    }
    const bool is_sentence =
        units_[end - 1].stop == Stop::sentence && (begin == 0 || units_[begin - 1].stop == Stop::sentence);
    return cost + (width < kShortColumns && !is_sentence ? 0.5 : 0.0);
  }

  std::span<const Unit> units_;
  const LayoutOptions& options_;
  LineLimits limits_;
};

Cue cue_of(std::span<const Unit> units, const LineLimits& limits) {
  Cue cue{units.front().start_s(), units.back().end_s(), {}};
  std::size_t next = 0;
  for (const std::size_t n_units : balanced_lines(units, limits)) {
    for (std::size_t i = next; i < next + n_units; ++i) {
      const std::size_t first = cue.words.size();
      cue.words.insert(cue.words.end(), units[i].words.begin(), units[i].words.end());
      if (i > 0 && (i == next || units[i].space_before)) {
        cue.words[first].text.insert(0, 1, i == next ? '\n' : ' ');
      }
    }
    next += n_units;
  }
  return cue;
}

/// Gives each cue the time its reader needs, as far as the next one allows, and a gap before the next.
void adjust_times(std::vector<Cue>& cues, const std::vector<int>& widths, const LayoutOptions& options) {
  for (std::size_t i = 0; i < cues.size(); ++i) {
    Cue& cue = cues[i];
    cue.start_s = i == 0 ? std::max(cue.start_s, 0.0) : std::max(cue.start_s, cues[i - 1].start_s);
    const double wanted_s = std::max(options.min_cue_duration, widths[i] / options.max_chars_per_second);
    cue.end_s =
        std::max({cue.end_s, cue.start_s + std::min(wanted_s, options.max_cue_duration), cue.start_s});
    if (i + 1 == cues.size()) {
      return;
    }
    const double next_s = std::max(cues[i + 1].start_s, cue.start_s);
    if (cue.end_s > next_s - kPauseS) {
      // Half the room at least, should the words be so short that the gap would swallow them.
      cue.end_s = std::max(next_s - options.min_cue_gap, cue.start_s + 0.5 * (next_s - cue.start_s));
    }
  }
}

}  // namespace

std::vector<Cue> readable_cues(const transcribe::Transcription& transcription, const LayoutOptions& options) {
  const LineLimits limits = limits_of(options);
  const std::vector<Unit> units = units_of(transcription, limits.width);
  std::vector<Cue> cues;
  std::vector<int> widths;
  std::size_t begin = 0;
  for (const std::size_t end : CueCutter(units, options).ends()) {
    const auto chosen = std::span(units).subspan(begin, end - begin);
    LineFiller filler(limits);
    std::for_each(chosen.begin(), chosen.end(), [&](const Unit& unit) { filler.add(unit); });
    widths.push_back(filler.width());
    cues.push_back(cue_of(chosen, limits));
    begin = end;
  }
  adjust_times(cues, widths, options);
  return cues;
}

}  // namespace sotto::subtitles
