#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sotto/transcribe.h"

namespace sotto::subtitles {

enum class Format { txt, srt, vtt, tsv, json, ass, lrc, csv };

/// "srt" → Format::srt; throws Error(invalid_argument) listing the formats.
Format parse_format(std::string_view name);
std::string_view extension(Format format);
const std::vector<Format>& all_formats();
/// True for formats made of cues, which LayoutOptions shape: srt, vtt, ass, lrc.
bool has_cues(Format format);

enum class Layout {
  readable,  ///< cut and timed so that people can read along
  segments,  ///< the model's segments, cut as openai/whisper 20250625 does (utils.py, SubtitlesWriter)
};

/// How a transcription becomes cues: what is shown for a while. Words with times make exact cues; without
/// them, times inside a segment are shared out by the text's width. Widths are columns: wide East Asian
/// characters count 2.
struct LayoutOptions {
  Layout layout = Layout::readable;
  int max_line_width = 0;        ///< 0: 42 if readable, else none
  int max_line_count = 0;        ///< lines of a cue; 0: 2 if readable, else none
  int max_words_per_line = 0;    ///< 0: no limit
  bool highlight_words = false;  ///< word by word: underlined in srt, times in vtt and lrc, karaoke in ass
  double max_chars_per_second = 20;  ///< readable: a cue stays longer for it where the next one leaves room
  double min_cue_duration = 1.0;     ///< s, readable: the same
  double max_cue_duration = 7.0;     ///< s, readable
  double min_cue_gap = 0.083;        ///< s, readable: two frames at 24 Hz; gaps below half a second become it
  std::string speaker{};             ///< who speaks, shown as vtt's <v> and ass's name
};

/// The file's whole text, UTF-8. txt, tsv and json as openai/whisper 20250625 writes them (utils.py); csv as
/// whisper.cpp does; srt's hours are always zero-padded.
std::string write(const transcribe::Transcription& transcription,
                  Format format,
                  const LayoutOptions& layout = {});

/// Throws Error(invalid_argument) naming the first option that is out of range.
void validate(const LayoutOptions& options);

}  // namespace sotto::subtitles
