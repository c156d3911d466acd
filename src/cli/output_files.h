#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/transcribe_arguments.h"
#include "sotto/subtitles.h"

namespace sotto::cli {

/// "srt,txt" → both formats, "all" or nothing → all; with --stdout one, txt if none is named. Throws
/// Error(invalid_argument).
std::vector<subtitles::Format> chosen_formats(const TranscribeArguments& arguments);

/// Makes the directory if need be, before the work and not after it. Throws Error(io) if it cannot be
/// written.
void prepare_output_directory(const std::filesystem::path& directory);

/// Writes what was heard, a file a format, each whole or not at all.
class OutputFiles {
 public:
  OutputFiles(std::filesystem::path directory,
              std::vector<subtitles::Format> formats,
              subtitles::LayoutOptions layout);

  /// DIRECTORY/NAME.srt, ... Removes what write_partial() once left. Throws Error(io).
  std::vector<std::filesystem::path> write(const std::string& name,
                                           const transcribe::Transcription& heard) const;
  /// DIRECTORY/NAME.partial.srt, ...: what was heard before a failure. Nothing if nothing was heard or
  /// nothing can be written: the failure is what matters.
  std::vector<std::filesystem::path> write_partial(const std::string& name,
                                                   const transcribe::Transcription& heard) const;

  const std::vector<subtitles::Format>& formats() const { return formats_; }
  /// DIRECTORY/NAME.partial.journal
  std::filesystem::path journal_path(const std::string& name) const;

 private:
  std::filesystem::path path_of(const std::string& name, subtitles::Format format) const;

  std::filesystem::path directory_;
  std::vector<subtitles::Format> formats_;
  subtitles::LayoutOptions layout_;
};

}  // namespace sotto::cli
