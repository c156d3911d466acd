#include "text/alignment.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace sotto::text {
namespace {

using Sequence = std::span<const std::uint32_t>;
constexpr std::size_t kMaxCells = 1 << 22;  // 16 MB of distances

std::size_t common_prefix(Sequence a, Sequence b) {
  const auto ends = std::mismatch(
      a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
  return static_cast<std::size_t>(ends.first - a.begin());
}

std::size_t common_suffix(Sequence a, Sequence b) {
  std::size_t n = 0;
  while (n < std::min(a.size(), b.size()) && a[a.size() - 1 - n] == b[b.size() - 1 - n]) {
    ++n;
  }
  return n;
}

/// distance[j] between all of `from` and the first j of `to`; both read backwards if `reversed`.
std::vector<std::uint32_t> last_row(Sequence from, Sequence to, bool reversed) {
  const auto item = [reversed](Sequence s, std::size_t i) { return reversed ? s[s.size() - 1 - i] : s[i]; };
  std::vector<std::uint32_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::uint32_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::uint32_t replaced = diagonal + (item(from, i) == item(to, j) ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1U, diagonal + 1U});
    }
  }
  return row;
}

/// All distances: [from.size() + 1][to.size() + 1].
std::vector<std::uint32_t> distances(Sequence from, Sequence to) {
  const std::size_t width = to.size() + 1;
  std::vector<std::uint32_t> d((from.size() + 1) * width);
  std::iota(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(width), 0U);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    const std::uint32_t* above = d.data() + (i - 1) * width;
    std::uint32_t* row = d.data() + i * width;
    row[0] = static_cast<std::uint32_t>(i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::uint32_t replaced = above[j - 1] + (from[i - 1] == to[j - 1] ? 0U : 1U);
      row[j] = std::min({replaced, above[j] + 1U, row[j - 1] + 1U});
    }
  }
  return d;
}

void append_by_table(Sequence from, Sequence to, std::vector<Edit>& edits) {
  const std::vector<std::uint32_t> d = distances(from, to);
  const std::size_t width = to.size() + 1;
  const auto begin = static_cast<std::ptrdiff_t>(edits.size());
  std::size_t i = from.size();
  std::size_t j = to.size();
  while (i > 0 || j > 0) {
    const std::size_t here = i * width + j;
    if (j == 0 || (i > 0 && d[here] == d[here - width] + 1)) {
      edits.push_back(Edit::deletion);
      --i;
    } else if (i == 0 || (j > 1 && d[here - 1] + 1 == d[here - width - 1])) {
      edits.push_back(Edit::insertion);
      --j;
    } else {
      edits.push_back(from[i - 1] == to[j - 1] ? Edit::hit : Edit::substitution);
      --i;
      --j;
    }
  }
  std::reverse(edits.begin() + begin, edits.end());
}

/// Where `to` may be cut so that the halves of `from` (cut in its middle) align with its parts at no cost.
std::size_t best_cut(Sequence from, Sequence to) {
  const std::size_t middle = from.size() / 2;
  const std::vector<std::uint32_t> left = last_row(from.first(middle), to, false);
  const std::vector<std::uint32_t> right = last_row(from.subspan(middle), to, true);
  std::size_t best = 0;
  for (std::size_t j = 0; j <= to.size(); ++j) {
    if (left[j] + right[to.size() - j] < left[best] + right[to.size() - best]) {
      best = j;
    }
  }
  return best;
}

void append(Sequence from, Sequence to, std::vector<Edit>& edits) {
  const std::size_t prefix = common_prefix(from, to);
  const std::size_t suffix = common_suffix(from.subspan(prefix), to.subspan(prefix));
  const Sequence a = from.subspan(prefix, from.size() - prefix - suffix);
  const Sequence b = to.subspan(prefix, to.size() - prefix - suffix);
  edits.insert(edits.end(), prefix, Edit::hit);
  if (a.size() < 2 || b.size() < 2 || (a.size() + 1) * (b.size() + 1) <= kMaxCells) {
    append_by_table(a, b, edits);
  } else {
    const std::size_t cut = best_cut(a, b);
    append(a.first(a.size() / 2), b.first(cut), edits);
    append(a.subspan(a.size() / 2), b.subspan(cut), edits);
  }
  edits.insert(edits.end(), suffix, Edit::hit);
}

}  // namespace

std::vector<Edit> minimum_edits(Sequence from, Sequence to) {
  std::vector<Edit> edits;
  append(from, to, edits);
  return edits;
}

}  // namespace sotto::text
