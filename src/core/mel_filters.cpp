#include "core/mel_filters.h"

#include <algorithm>
#include <cmath>

namespace sotto {
namespace {

constexpr double kHzPerMel = 200.0 / 3.0;  // below the knee
constexpr double kKneeHz = 1000.0;
constexpr double kKneeMel = kKneeHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27.0;  // above the knee, per mel
constexpr double kBinHz = 40.0;
constexpr double kTopHz = kBinHz * (kMelFilterBins - 1);

double hz_to_mel(double hz) {
  return hz < kKneeHz ? hz / kHzPerMel : kKneeMel + std::log(hz / kKneeHz) / kLogStep;
}

double mel_to_hz(double mel) {
  return mel < kKneeMel ? mel * kHzPerMel : kKneeHz * std::exp(kLogStep * (mel - kKneeMel));
}

MelFilter triangle(double left_hz, double centre_hz, double right_hz) {
  const double area_norm = 2.0 / (right_hz - left_hz);
  MelFilter filter;
  for (std::size_t bin = 0; bin < kMelFilterBins; ++bin) {
    const double hz = static_cast<double>(bin) * kBinHz;
    const double rising = (hz - left_hz) / (centre_hz - left_hz);
    const double falling = (right_hz - hz) / (right_hz - centre_hz);
    const double height = std::min(rising, falling);
    if (height <= 0.0) {
      continue;
    }
    if (filter.weights.empty()) {
      filter.first_bin = bin;
    }
    filter.weights.push_back(static_cast<float>(height * area_norm));
  }
  return filter;
}

}  // namespace

std::vector<MelFilter> mel_filters(int n_mels) {
  const double mel_step = hz_to_mel(kTopHz) / (n_mels + 1);
  std::vector<MelFilter> filters;
  filters.reserve(static_cast<std::size_t>(n_mels));
  for (int m = 0; m < n_mels; ++m) {
    filters.push_back(
        triangle(mel_to_hz(mel_step * m), mel_to_hz(mel_step * (m + 1)), mel_to_hz(mel_step * (m + 2))));
  }
  return filters;
}

}  // namespace sotto
