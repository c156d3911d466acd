#include "transcribe/median_filter.h"

#include <algorithm>
#include <vector>

namespace sotto::transcribe {

void median_filter(std::span<float> row, std::size_t width) {
  const std::size_t half = width / 2;
  if (row.size() <= half) {
    return;
  }
  std::vector<float> padded(row.size() + 2 * half);
  std::copy(row.begin(), row.end(), padded.begin() + static_cast<std::ptrdiff_t>(half));
  for (std::size_t i = 0; i < half; ++i) {
    padded[i] = row[half - i];
    padded[half + row.size() + i] = row[row.size() - 2 - i];
  }
  std::vector<float> around(width);
  for (std::size_t i = 0; i < row.size(); ++i) {
    std::copy_n(padded.begin() + static_cast<std::ptrdiff_t>(i), width, around.begin());
    std::nth_element(around.begin(), around.begin() + static_cast<std::ptrdiff_t>(half), around.end());
    row[i] = around[half];
  }
}

}  // namespace sotto::transcribe
