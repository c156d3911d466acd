#pragma once

#include <functional>
#include <optional>

#include "sotto/transcribe.h"
#include "transcribe/decoding_task.h"

namespace sotto::transcribe {

/// True for a result that is likely wrong: it repeats itself or its mean log-probability is low. A window
/// that holds no speech is not tried again.
bool needs_fallback(const DecodingResult& result, const TranscribeOptions& options);

/// True for a window whose text is not to be trusted because nobody speaks.
bool is_silence(const DecodingResult& result, const TranscribeOptions& options);

/// Decodes at each of the options' temperatures until a result needs no fallback; the last result otherwise.
/// Source: openai/whisper 20250625, transcribe.py, decode_with_fallback. A threshold of infinity (for
/// logprob_threshold -infinity) stands for the reference's None. `first` is what the first temperature gave,
/// where that is known already.
DecodingResult decode_with_fallback(const std::function<DecodingResult(double temperature)>& decode,
                                    const TranscribeOptions& options,
                                    std::optional<DecodingResult> first = std::nullopt);

}  // namespace sotto::transcribe
