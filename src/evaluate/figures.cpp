#include "evaluate/figures.h"

#include <algorithm>
#include <cctype>

namespace sotto::evaluate {
namespace {

std::optional<double> divide(double numerator, double denominator) {
  return denominator > 0.0 ? std::optional(numerator / denominator) : std::nullopt;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

Ratios ratios(const Measurement& first, const Measurement& other) {
  const auto bytes = [](std::uintmax_t n) { return static_cast<double>(n); };
  Ratios result;
  result.encoder_compression = divide(bytes(first.size.encoder_bytes), bytes(other.size.encoder_bytes));
  result.decoder_compression = divide(bytes(first.size.decoder_bytes), bytes(other.size.decoder_bytes));
  result.encoder_speedup = divide(first.encoder_ms.median, other.encoder_ms.median);
  result.decoder_speedup = divide(first.decoder_ms.median, other.decoder_ms.median);
  result.transcription_speedup = divide(first.transcription_mean_s, other.transcription_mean_s);
  const auto first_accuracy = first.word_accuracy_percent();
  const auto other_accuracy = other.word_accuracy_percent();
  if (first_accuracy && other_accuracy) {
    result.accuracy_drop_points = *first_accuracy - *other_accuracy;
  }
  return result;
}

std::optional<double> realtime_factor(const Measurement& measurement) {
  return divide(measurement.audio_s, measurement.transcription_total_s);
}

KernelCount count_kernels(const std::map<std::string, int>& executed) {
  KernelCount count;
  for (const auto& [type, n] : executed) {
    count.total += n;
    // The CPU plugin ends a kernel's name with its precision: "brgemm_avx512_amx_I8", "jit_avx2_u8".
    const std::string name = lower(type);
    count.int8 += name.ends_with("_i8") || name.ends_with("_u8") ? n : 0;
  }
  return count;
}

}  // namespace sotto::evaluate
