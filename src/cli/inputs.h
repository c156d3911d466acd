#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/command.h"
#include "sotto/audio.h"

namespace sotto::cli {

/// One thing to transcribe, as it was named on the command line or found there.
struct Input {
  std::string name;         ///< a path, a URL, or "-"
  std::string output_name;  ///< what its outputs are called, without their extension

  /// False for what must be fetched or waited for: URLs, standard input, pipes.
  bool is_file() const;
};

/// Files, all media below directories in order of their names, the matches of globs that the shell has not
/// expanded, URLs and "-" as they are. No two get the same output name: where stems are the same the whole
/// file name is taken, then a number. What is not there is kept, to be reported in its turn.
/// Throws Error(invalid_argument) for "-" given twice.
std::vector<Input> expand_inputs(const std::vector<std::string>& names);

/// Gives the only input's outputs the name that was asked for. Throws Error(invalid_argument) for what is no
/// name of a file, and where there are several inputs.
void rename_outputs(const std::string& name, std::vector<Input>& inputs);

/// A file name's stem without what could lead elsewhere or confuse a terminal: separators, control
/// characters, leading dots; at most 120 bytes of UTF-8. "media" if nothing is left.
std::string safe_stem(const std::string& file_name);

struct FetchOptions {
  bool allow_local_urls = false;
  bool wants_video = false;  ///< of a page: with its pictures, not the sound alone
};

/// An input as a file on this machine for as long as it lives: standard input, pipes and URLs are copied into
/// a temporary directory, pages by yt-dlp.
class LocalMedia {
 public:
  /// Throws what hub::fetch_media throws; Error(unsupported) for a page without yt-dlp, another kind of URL;
  /// (network) where yt-dlp fails; (io); (cancelled).
  LocalMedia(const Input& input, const FetchOptions& options, const Progress& progress);
  ~LocalMedia();
  LocalMedia(const LocalMedia&) = delete;
  LocalMedia& operator=(const LocalMedia&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// True for what was copied here, whose times say nothing.
  bool is_copy() const { return !directory_.empty(); }
  /// The file's name where it came from, for its extension: "talk.mp4".
  std::string original_name() const;
  /// As audio::open_media; errors name the input and not the copy.
  std::unique_ptr<audio::AudioSource> open() const;
  /// `error` with the input's name in place of the copy's path.
  Error named(const Error& error) const;

 private:
  void make_directory();
  void copy_standard_input(const Progress& progress);
  void copy_named_pipe(const Progress& progress);
  void copy(int from, const std::string& shown, const Progress& progress);
  void fetch_url(const FetchOptions& options, const Progress& progress);
  void fetch_page(const FetchOptions& options, const Progress& progress);
  void remove_directory() noexcept;

  std::string name_;
  std::filesystem::path directory_;  ///< of the copy; empty: the input is a file already
  std::filesystem::path path_;
};

}  // namespace sotto::cli
