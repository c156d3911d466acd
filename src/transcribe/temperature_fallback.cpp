#include "transcribe/temperature_fallback.h"

#include <cmath>
#include <utility>

namespace sotto::transcribe {

bool needs_fallback(const DecodingResult& result, const TranscribeOptions& options) {
  const bool improbable = result.avg_logprob < options.logprob_threshold;
  if (improbable && result.no_speech_prob > options.no_speech_threshold) {
    return false;
  }
  const bool loops = options.max_loop > 0 && result.longest_loop > static_cast<std::size_t>(options.max_loop);
  return improbable || loops || result.compression_ratio > options.compression_ratio_threshold;
}

bool is_silence(const DecodingResult& result, const TranscribeOptions& options) {
  const bool trusts_text =
      std::isfinite(options.logprob_threshold) && result.avg_logprob > options.logprob_threshold;
  return result.no_speech_prob > options.no_speech_threshold && !trusts_text;
}

DecodingResult decode_with_fallback(const std::function<DecodingResult(double temperature)>& decode,
                                    const TranscribeOptions& options,
                                    std::optional<DecodingResult> first) {
  DecodingResult result;
  for (const double temperature : options.temperatures) {
    result = first ? *std::exchange(first, std::nullopt) : decode(temperature);
    if (!needs_fallback(result, options)) {
      break;
    }
  }
  return result;
}

}  // namespace sotto::transcribe
