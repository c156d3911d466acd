#pragma once

#include <span>
#include <vector>

#include "transcribe/decoding_task.h"
#include "transcribe/inference.h"

namespace sotto::transcribe {

/// Decodes all windows of a batch together at temperature 0, greedily: a row each, the same prompt length.
/// Rows that have ended leave the batch once they are a quarter of it; till then they are fed the end again.
/// Throws Error(cancelled) on a requested stop.
std::vector<DecodingResult> decode_together(BatchInference& inference,
                                            const DecodingTask& task,
                                            std::span<const DecodingTask::Run> runs);

}  // namespace sotto::transcribe
