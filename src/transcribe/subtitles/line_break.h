#pragma once

#include <span>
#include <vector>

#include "transcribe/subtitles/unit.h"

namespace sotto::subtitles {

struct LineLimits {
  int width = 0;  ///< columns
  int n_lines = 0;
  int n_words = 0;  ///< 0: no limit
};

/// Lays units one by one on as few lines as they need.
class LineFiller {
 public:
  explicit LineFiller(const LineLimits& limits) : limits_(limits) {}
  void add(const Unit& unit);
  /// Lines used so far; a unit wider than a line has one to itself.
  int n_lines() const { return n_lines_; }
  int width() const { return total_width_; }  ///< of all units and the spaces between them

 private:
  LineLimits limits_;
  int n_lines_ = 0;
  int line_width_ = 0;
  int line_words_ = 0;
  int total_width_ = 0;
};

/// How many units go on each line, so that no more lines are used than needed, they are about equally wide
/// and end where the language pauses.
std::vector<std::size_t> balanced_lines(std::span<const Unit> units, const LineLimits& limits);

}  // namespace sotto::subtitles
