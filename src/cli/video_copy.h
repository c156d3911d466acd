#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "cli/transcribe_arguments.h"

namespace sotto::cli {

/// Where the copy of `video` goes: DIRECTORY/NAME.subtitled.EXT, the container of the original where it can
/// hold such subtitles, else mkv.
std::filesystem::path video_copy_path(const std::string& original_name,
                                      const std::filesystem::path& directory,
                                      const std::string& output_name,
                                      bool burn);

/// A path as the value of a filter's option in FFmpeg's filter graphs, which unescape it twice
/// (ffmpeg-filters, "Notes on filtergraph escaping").
std::string filter_value(const std::string& path);

/// Puts subtitles into a copy of `video` with the program ffmpeg: as a stream of their own beside unchanged
/// ones, or with `burn` into the pictures, which are encoded anew. The copy appears whole or not at all.
/// Throws Error(io) with what ffmpeg says, (cancelled).
void write_video_copy(const std::filesystem::path& video,
                      const transcribe::Transcription& heard,
                      const TranscribeArguments& arguments,
                      const std::filesystem::path& copy,
                      const std::stop_token& stop);

/// Throws Error(unsupported) if --burn or --mux is asked for and there is no ffmpeg.
void expect_ffmpeg(const TranscribeArguments& arguments);

}  // namespace sotto::cli
