#include <algorithm>

#include "audio/finite.h"
#include "audio/log_mel_frames.h"
#include "sotto/audio.h"

namespace sotto::audio {
namespace {

/// The samples, their zero padding and 200 reflected samples on either side (numpy's "reflect": the edge
/// itself is not repeated). Shorter input counts as padded with zeros to the 201 samples a reflection needs.
std::vector<float> reflected(std::span<const float> samples, std::size_t padding_samples) {
  const std::size_t n = std::max(samples.size() + padding_samples, kHalfFrame + 1);
  std::vector<float> all(n + 2 * kHalfFrame, 0.0F);
  float* const first = all.data() + kHalfFrame;
  std::copy(samples.begin(), samples.end(), first);
  for (std::size_t i = 1; i <= kHalfFrame; ++i) {
    *(first - i) = first[i];
    first[n - 1 + i] = first[n - 1 - i];
  }
  return all;
}

}  // namespace

LogMel log_mel_spectrogram(std::span<const float> samples, int n_mels, std::size_t padding_samples) {
  const LogMelFrames frames(n_mels);
  require_finite(samples, "log_mel_spectrogram");
  LogMel mel{n_mels, (samples.size() + padding_samples) / kHopSamples, {}};
  std::vector<float> rows;
  frames.append(reflected(samples, padding_samples), mel.n_frames, rows);
  if (rows.empty()) {
    return mel;
  }

  const float floor = *std::max_element(rows.begin(), rows.end()) - kDynamicRange;
  const auto width = static_cast<std::size_t>(n_mels);
  mel.values.resize(rows.size());
  for (std::size_t m = 0; m < width; ++m) {
    for (std::size_t t = 0; t < mel.n_frames; ++t) {
      mel.values[m * mel.n_frames + t] = normalise_log_mel(rows[t * width + m], floor);
    }
  }
  return mel;
}

LogMel pad_or_trim(const LogMel& mel, std::size_t n_frames, float value) {
  const auto n_mels = static_cast<std::size_t>(mel.n_mels);
  LogMel out{mel.n_mels, n_frames, std::vector<float>(n_mels * n_frames, value)};
  const std::size_t kept = std::min(n_frames, mel.n_frames);
  for (std::size_t m = 0; m < n_mels; ++m) {
    std::copy_n(mel.values.data() + m * mel.n_frames, kept, out.values.data() + m * n_frames);
  }
  return out;
}

}  // namespace sotto::audio
