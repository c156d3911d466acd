#pragma once

#include <string_view>

namespace sotto::transcribe {

/// Bytes of the text over bytes of its zlib compression at the default level: large where text repeats
/// itself. 0 for an empty text. Source: openai/whisper 20250625, utils.py, compression_ratio.
double compression_ratio(std::string_view text);

}  // namespace sotto::transcribe
