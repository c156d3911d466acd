#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sotto/transcribe.h"

namespace sotto::subtitles {

enum class Format { txt, srt, vtt, tsv, json };

/// "srt" → Format::srt; throws Error(invalid_argument) listing the formats.
Format parse_format(std::string_view name);
std::string_view extension(Format format);
const std::vector<Format>& all_formats();

/// The file's whole text, UTF-8. Formats as openai/whisper 20250625 writes them (utils.py), hours always
/// zero-padded in srt.
std::string write(const transcribe::Transcription& transcription, Format format);

}  // namespace sotto::subtitles
