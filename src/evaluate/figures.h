#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sotto/evaluate.h"

namespace sotto::evaluate {

/// The notebook's figures of one model against the first one; nullopt where the divisor is 0.
struct Ratios {
  std::optional<double> encoder_compression;  ///< first one's bytes / this one's
  std::optional<double> decoder_compression;
  std::optional<double> encoder_speedup;  ///< first one's median / this one's
  std::optional<double> decoder_speedup;
  std::optional<double> transcription_speedup;  ///< first one's mean / this one's
  std::optional<double> accuracy_drop_points;   ///< first one's percent - this one's
};
Ratios ratios(const Measurement& first, const Measurement& other);

/// Audio seconds per second of transcription; nullopt where no time was measured.
std::optional<double> realtime_factor(const Measurement& measurement);

/// Nodes that multiply matrices, and those of them whose kernel computes on 8-bit integers.
struct KernelCount {
  int total = 0;
  int int8 = 0;
};
KernelCount count_kernels(const std::map<std::string, int>& executed);

}  // namespace sotto::evaluate
