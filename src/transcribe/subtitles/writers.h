#pragma once

#include <string>

#include "sotto/subtitles.h"

namespace sotto::subtitles {

// One a format, the whole file as UTF-8. Source of txt, srt, vtt, tsv and json: openai/whisper 20250625,
// utils.py, Write*.

/// A line a segment.
std::string write_txt(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// SubRip: numbered cues, hours always there, a comma before the milliseconds.
std::string write_srt(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// WebVTT: hours only where there are any. Readable cues have "&" and "<" escaped, and highlighted words
/// become times inside the text (W3C WebVTT, 2.2.2) rather than cues of their own.
std::string write_vtt(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// start, end (integer ms) and text between tabs, under a header line.
std::string write_tsv(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// The reference's object (text, segments, language) and "duration", s; non-ASCII as it is.
std::string write_json(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// Advanced SubStation Alpha v4.00+; highlighted words are karaoke (\k).
std::string write_ass(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// Lyrics: a line a cue under its start, empty where nothing is said for a second; highlighted words have
/// their times too (the enhanced form).
std::string write_lrc(const transcribe::Transcription& transcription, const LayoutOptions& layout);
/// start, end (integer ms) and quoted text of each segment (whisper.cpp v1.8.2, cli.cpp, output_csv).
std::string write_csv(const transcribe::Transcription& transcription, const LayoutOptions& layout);

}  // namespace sotto::subtitles
