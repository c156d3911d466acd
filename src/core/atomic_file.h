#pragma once

#include <filesystem>
#include <string_view>

namespace sotto {

/// Writes `content` to `path` so that the file is either the old one or the whole new one: a temporary file
/// in the same directory, flushed to disk, then renamed. A device or a pipe stays what it is and gets the
/// content. Throws Error(io) naming the path and the reason.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Whether something is there that a file must not be renamed over, /dev/null for example.
bool is_device_or_pipe(const std::filesystem::path& path);

/// A directory that appears under its name complete or not at all.
///
/// Files are written below path(); commit() renames it to the target, replacing a directory there.
/// Without commit() (an exception, a stop) everything written is removed. A directory left behind by a
/// killed process is named ".<target>.<pid>.partial" and is removed by the next AtomicDirectory of that
/// target once its process is gone.
class AtomicDirectory {
 public:
  /// Throws Error(io) if the parent cannot be written or the target exists and is not a directory.
  explicit AtomicDirectory(std::filesystem::path target);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  const std::filesystem::path& path() const { return partial_; }
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path partial_;
  bool committed_ = false;
};

}  // namespace sotto
