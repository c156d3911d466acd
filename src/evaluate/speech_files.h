#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sotto/data_set.h"

namespace sotto::evaluate {

// What names of files say in a data set; shared by folders and archives.

bool is_audio_name(const std::filesystem::path& path);
/// "*.trans.txt", or "*.translation.txt" where translations are asked for.
bool is_transcript_name(const std::filesystem::path& path, bool translated);
/// Another text, which may be beside a recording of the same name.
bool is_text_name(const std::filesystem::path& path);

/// A table of recordings; see read_manifest.
bool is_table_name(const std::filesystem::path& path);

/// Without white space at either end.
std::string_view trimmed(std::string_view text);

/// Id and words of a line of a transcript "ID WORDS"; an empty id for an empty line.
std::pair<std::string, std::string> split_transcript_line(std::string_view line);

/// read_librispeech for transcripts or translations, with or without recordings that have none, all
/// utterances.
DataSet read_folder(const std::filesystem::path& directory, const DataOptions& options);

/// Samples and rate of the recording at `path`. Throws as audio::open_media does.
Speech load_speech(std::string id, std::string text, const std::filesystem::path& path);

/// 0 .. n-1 in an order that `seed` decides, the same on every platform.
std::vector<std::size_t> shuffled_order(std::size_t n, std::uint64_t seed);

}  // namespace sotto::evaluate
