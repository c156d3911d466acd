#include "transcribe/temperature_fallback.h"

#include <cmath>

namespace sotto::transcribe {

bool needs_fallback(const DecodingResult& result, const TranscribeOptions& options) {
  const bool improbable = result.avg_logprob < options.logprob_threshold;
  if (improbable && result.no_speech_prob > options.no_speech_threshold) {
    return false;
  }
  return improbable || result.compression_ratio > options.compression_ratio_threshold;
}

bool is_silence(const DecodingResult& result, const TranscribeOptions& options) {
  const bool trusts_text =
      std::isfinite(options.logprob_threshold) && result.avg_logprob > options.logprob_threshold;
  return result.no_speech_prob > options.no_speech_threshold && !trusts_text;
}

DecodingResult decode_with_fallback(const std::function<DecodingResult(double temperature)>& decode,
                                    const TranscribeOptions& options) {
  DecodingResult result;
  for (const double temperature : options.temperatures) {
    result = decode(temperature);
    if (!needs_fallback(result, options)) {
      break;
    }
  }
  return result;
}

}  // namespace sotto::transcribe
