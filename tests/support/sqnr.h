#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace sotto::test {

/// Signal to noise of `got` against `exact`, of the same size, in dB.
inline double sqnr_db(const std::vector<float>& exact, const std::vector<float>& got) {
  double signal = 0.0;
  double noise = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    signal += static_cast<double>(exact[i]) * static_cast<double>(exact[i]);
    noise += std::pow(static_cast<double>(exact[i]) - static_cast<double>(got[i]), 2);
  }
  return 10.0 * std::log10(signal / noise);
}

}  // namespace sotto::test
