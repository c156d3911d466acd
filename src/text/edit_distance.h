#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace sotto::text {

/// Levenshtein distance of two sequences with size() and operator[].
template <typename A, typename B>
std::size_t edit_distance(const A& a, const B& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace sotto::text
