#include "transcribe/dtw.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sotto::transcribe {
namespace {

enum class Step : std::uint8_t { both, down, right };

/// From which neighbour each cell is reached, [n_rows, n_columns].
std::vector<Step> trace_steps(std::span<const float> cost, std::size_t n_rows, std::size_t n_columns) {
  std::vector<Step> steps(n_rows * n_columns);
  std::vector<float> above(n_columns + 1, std::numeric_limits<float>::infinity());
  std::vector<float> here(n_columns + 1);
  above[0] = 0.0F;
  for (std::size_t i = 0; i < n_rows; ++i) {
    here[0] = std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < n_columns; ++j) {
      const float both = above[j];
      const float down = above[j + 1];
      const float right = here[j];
      const bool is_both = both < down && both < right;
      const bool is_down = down < both && down < right;
      steps[i * n_columns + j] = is_both ? Step::both : is_down ? Step::down : Step::right;
      here[j + 1] = cost[i * n_columns + j] + (is_both ? both : is_down ? down : right);
    }
    std::swap(above, here);
  }
  return steps;
}

}  // namespace

WarpingPath dtw(std::span<const float> cost, std::size_t n_rows, std::size_t n_columns) {
  WarpingPath path;
  if (n_rows == 0 || n_columns == 0) {
    return path;
  }
  const std::vector<Step> steps = trace_steps(cost, n_rows, n_columns);
  std::size_t i = n_rows - 1;
  std::size_t j = n_columns - 1;
  while (true) {
    path.rows.push_back(i);
    path.columns.push_back(j);
    if (i == 0 && j == 0) {
      break;
    }
    const Step step = i == 0 ? Step::right : j == 0 ? Step::down : steps[i * n_columns + j];
    i -= step == Step::right ? 0 : 1;
    j -= step == Step::down ? 0 : 1;
  }
  std::reverse(path.rows.begin(), path.rows.end());
  std::reverse(path.columns.begin(), path.columns.end());
  return path;
}

}  // namespace sotto::transcribe
