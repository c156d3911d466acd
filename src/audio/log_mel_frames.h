#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "core/mel_filters.h"
#include "sotto/audio.h"

namespace sotto::audio {

/// Samples on either side of a frame's centre; also the width of the reflected edges.
inline constexpr std::size_t kHalfFrame = kNFft / 2;
/// What log10 sees at least (openai/whisper: clamp(min=1e-10)).
inline constexpr float kMinPower = 1e-10F;
/// Values lie at most this far below the maximum (in log10 units).
inline constexpr float kDynamicRange = 8.0F;

/// Log10 mel power of single frames, before the normalisation that needs the maximum of the whole recording.
class LogMelFrames {
 public:
  /// Throws Error(invalid_argument) unless n_mels is 80 or 128.
  explicit LogMelFrames(int n_mels);

  /// Appends n_frames rows of n_mels values to `rows` (row-major [frame, mel]). Frame t is made of
  /// samples[t * 160, t * 160 + 400), so samples.size() >= (n_frames - 1) * 160 + 400. Many frames are
  /// spread over up to four threads; the values do not depend on how many.
  void append(std::span<const float> samples, std::size_t n_frames, std::vector<float>& rows) const;

  int n_mels() const { return n_mels_; }

 private:
  int n_mels_;
  std::vector<MelFilter> filters_;
  std::array<float, kNFft> hann_;  ///< periodic, as torch.hann_window
};

/// Whisper's normalisation of one log10 power: floor, then (x + 4) / 4.
inline float normalise_log_mel(float log_power, float floor) {
  return ((log_power < floor ? floor : log_power) + 4.0F) / 4.0F;
}

}  // namespace sotto::audio
