#pragma once

#include <cstddef>
#include <span>

namespace sotto::transcribe {

/// Replaces each value by the median of the `width` (odd) values around it, the ends reflected without
/// repeating the edge. A row no longer than width / 2 stays as it is.
/// Source: openai/whisper 20250625, timing.py, median_filter.
void median_filter(std::span<float> row, std::size_t width);

}  // namespace sotto::transcribe
