#pragma once

#include <string>

#include "sotto/transcribe.h"

namespace sotto::subtitles {

// One a format, the whole file as UTF-8. Source: openai/whisper 20250625, utils.py, Write*.

/// A line a segment.
std::string write_txt(const transcribe::Transcription& transcription);
/// SubRip: numbered cues, hours always there, a comma before the milliseconds.
std::string write_srt(const transcribe::Transcription& transcription);
/// WebVTT: hours only where there are any.
std::string write_vtt(const transcribe::Transcription& transcription);
/// start, end (integer ms) and text between tabs, under a header line.
std::string write_tsv(const transcribe::Transcription& transcription);
/// The reference's object (text, segments, language) and "duration", s; non-ASCII as it is.
std::string write_json(const transcribe::Transcription& transcription);

}  // namespace sotto::subtitles
