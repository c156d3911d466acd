#pragma once

#include <cstddef>
#include <vector>

namespace sotto {

/// Bins of the spectrum that the filters weigh: 0 to 8 kHz in steps of 40 Hz.
inline constexpr std::size_t kMelFilterBins = 201;

/// One triangle of the mel filter bank: weights[i] belongs to DFT bin first_bin + i.
struct MelFilter {
  std::size_t first_bin = 0;
  std::vector<float> weights;
};

/// The Slaney mel filter bank over 201 bins of 40 Hz (0–8 kHz), each filter normalised to unit area:
/// linear up to 1 kHz, logarithmic above. Computed in double, stored in float.
///
/// Source: librosa 0.10, filters.mel(sr=16000, n_fft=400, n_mels, htk=False, norm="slaney"), from which
/// openai/whisper's assets/mel_filters.npz was made.
std::vector<MelFilter> mel_filters(int n_mels);

}  // namespace sotto
