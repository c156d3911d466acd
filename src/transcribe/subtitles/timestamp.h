#pragma once

#include <string>

namespace sotto::subtitles {

/// Seconds as [hh:]mm:ss.mmm, rounded half to even as Python rounds. Negative values count as 0.
/// Source: openai/whisper 20250625, utils.py, format_timestamp.
std::string format_timestamp(double seconds, bool always_include_hours, char decimal_marker);

/// A time as files show it, ms: what utils.py compares.
long shown_ms(double seconds);

}  // namespace sotto::subtitles
