#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sotto::transcribe {

/// A monotone path through a matrix: row_of[k] and column_of[k] are its k-th step.
struct WarpingPath {
  std::vector<std::size_t> rows;
  std::vector<std::size_t> columns;
};

/// Dynamic time warping: the path of least cost from the first to the last cell of `cost`, row-major
/// [n_rows, n_columns], one step right, down or both at a time. Empty for an empty matrix.
/// Source: openai/whisper 20250625, timing.py, dtw_cpu (sums in float32, ties to the right).
WarpingPath dtw(std::span<const float> cost, std::size_t n_rows, std::size_t n_columns);

}  // namespace sotto::transcribe
