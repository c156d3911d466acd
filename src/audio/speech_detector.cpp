#include "audio/speech_detector.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

namespace sotto::audio {
namespace {

#include "audio/speech_weights.inc"

constexpr std::size_t kBands = 16;
constexpr std::size_t kChannels = 24;
constexpr std::size_t kWidth = 5;
constexpr std::size_t kSideSteps = 30;
/// Tones and hum change less than this, the demo's speech more (tests/audio/speech_detector_test.cpp).
constexpr float kLeastUnrest = 0.03F;

struct Layer {
  std::span<const std::int8_t> weights;  ///< [n_out, n_in, width]
  std::span<const float> scales;         ///< of each output channel
  std::span<const float> biases;
  std::size_t n_in = 0;
  std::size_t dilation = 1;
};

/// Values of each channel over time, row-major [n_channels, n_steps].
using Signal = std::vector<float>;

/// Mean of the mel bands that make up each of 16, over pairs of frames. The network was trained on
/// (x + 4) / 4 of log10 power, which is what a LogMel holds.
Signal pooled(const LogMel& mel, std::size_t n_steps) {
  const std::size_t n_mels = static_cast<std::size_t>(mel.n_mels);
  const std::size_t n_pooled = n_mels / kBands;
  Signal out(kBands * n_steps, 0.0F);
  for (std::size_t m = 0; m < n_pooled * kBands; ++m) {
    const float* const row = mel.values.data() + m * mel.n_frames;
    float* const band = out.data() + m / n_pooled * n_steps;
    for (std::size_t t = 0; t < n_steps; ++t) {
      band[t] += (row[2 * t] + row[2 * t + 1]) / static_cast<float>(2 * n_pooled);
    }
  }
  return out;
}

/// A convolution with zeros around the signal.
Signal convolve(const Signal& in, const Layer& layer, std::size_t n_steps) {
  const std::size_t width = layer.weights.size() / layer.scales.size() / layer.n_in;
  Signal out(layer.scales.size() * n_steps);
  for (std::size_t o = 0; o < layer.scales.size(); ++o) {
    float* const to = out.data() + o * n_steps;
    std::fill_n(to, n_steps, layer.biases[o]);
    for (std::size_t tap = 0; tap < layer.n_in * width; ++tap) {
      const float weight = layer.scales[o] * static_cast<float>(layer.weights[o * layer.n_in * width + tap]);
      const float* const from = in.data() + tap / width * n_steps;
      const auto shift = (static_cast<std::ptrdiff_t>(tap % width) - static_cast<std::ptrdiff_t>(width / 2)) *
                         static_cast<std::ptrdiff_t>(layer.dilation);
      const auto n = static_cast<std::ptrdiff_t>(n_steps);
      for (std::ptrdiff_t t = std::max<std::ptrdiff_t>(0, -shift); t < std::min(n, n - shift); ++t) {
        to[t] += weight * from[t + shift];
      }
    }
  }
  return out;
}

/// Mean change of the bands from step to step, over 0.6 s before and behind each step.
std::vector<float> unrest(const Signal& bands, std::size_t n_steps) {
  std::vector<float> sums(n_steps + 1, 0.0F);  // running
  for (std::size_t t = 0; t < n_steps; ++t) {
    float change = 0.0F;
    for (std::size_t band = 0; t > 0 && band < kBands; ++band) {
      change += std::abs(bands[band * n_steps + t] - bands[band * n_steps + t - 1]) / kBands;
    }
    sums[t + 1] = sums[t] + change;
  }
  std::vector<float> out(n_steps);
  for (std::size_t t = 0; t < n_steps; ++t) {
    const std::size_t begin = t < kSideSteps ? 0 : t - kSideSteps;
    const std::size_t end = std::min(t + kSideSteps, n_steps);
    out[t] = (sums[end] - sums[begin]) / static_cast<float>(end - begin);
  }
  return out;
}

}  // namespace

std::vector<float> speech_probabilities(const LogMel& mel, std::size_t n_frames) {
  static_assert(kWeights0.size() == kChannels * kBands * kWidth && kWeights4.size() == kChannels);
  const std::array<Layer, 4> layers = {{{kWeights0, kScales0, kBiases0, kBands, 1},
                                        {kWeights1, kScales1, kBiases1, kChannels, 2},
                                        {kWeights2, kScales2, kBiases2, kChannels, 4},
                                        {kWeights3, kScales3, kBiases3, kChannels, 8}}};
  const std::size_t n_steps = std::min(n_frames, mel.n_frames) / kFramesPerStep;
  Signal signal = pooled(mel, n_steps);
  const std::vector<float> changes = unrest(signal, n_steps);
  for (const Layer& layer : layers) {
    signal = convolve(signal, layer, n_steps);
    std::transform(signal.begin(), signal.end(), signal.begin(), [](float x) { return std::max(x, 0.0F); });
  }
  signal = convolve(signal, {kWeights4, kScales4, kBiases4, kChannels, 1}, n_steps);
  std::transform(signal.begin(), signal.end(), changes.begin(), signal.begin(), [](float x, float change) {
    return change < kLeastUnrest ? 0.0F : 1.0F / (1.0F + std::exp(-x));
  });
  return signal;
}

}  // namespace sotto::audio
