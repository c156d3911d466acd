#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sotto/transcribe.h"

namespace sotto::cli {

/// What a journal holds: a transcription up to a window's end, or all of it.
struct JournalContent {
  transcribe::Unfinished heard;
  std::optional<transcribe::Transcription> finished{};
  std::uintmax_t n_bytes = 0;  ///< of its whole lines
};

/// What a file is, without reading it: length and time of change; of a directory those of all files in it.
nlohmann::ordered_json file_identity(const std::filesystem::path& path);

/// What a file holds: length and a hash. Throws Error(io).
nlohmann::ordered_json content_identity(const std::filesystem::path& path);

/// What a run left behind, if it was of the same `binding` (audio, model, options, version). Nullopt without
/// a file, and where not even one window was done. Throws Error(bad_format) saying why it is of no use. A
/// last line that a kill cut off is left out.
std::optional<JournalContent> read_journal(const std::filesystem::path& path,
                                           const nlohmann::ordered_json& binding);

/// Notes what is heard while it is heard, a line a window, so that a killed run can go on (docs/formats.md,
/// sotto.journal). A disk that is full ends the notes, not the transcription.
class Journal {
 public:
  /// Begins anew, or goes on behind what was read. Throws Error(io) where it cannot be written, or another
  /// process writes it.
  Journal(std::filesystem::path path,
          const nlohmann::ordered_json& binding,
          const std::optional<JournalContent>& read);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void add(const transcribe::Segment& segment) { segments_.push_back(segment); }
  /// Writes the segments since the last call. False, once, where that failed; then nothing is written any
  /// more.
  bool checkpoint(const transcribe::Checkpoint& checkpoint);
  bool finish(const transcribe::Transcription& heard);

  const std::filesystem::path& path() const { return path_; }
  /// True if there is something to go on from.
  bool holds_windows() const { return file_ >= 0 && holds_windows_; }
  void remove() noexcept;

 private:
  bool write_line(const nlohmann::ordered_json& line);

  std::filesystem::path path_;
  int file_ = -1;
  bool holds_windows_ = false;
  std::vector<transcribe::Segment> segments_;
};

}  // namespace sotto::cli
