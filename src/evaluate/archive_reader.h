#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sotto::evaluate {

/// Bytes from anywhere: fills `out` from the front, 0 at the end; may throw.
using ReadBytes = std::function<std::size_t(std::span<char> out)>;

/// The members of a tar, compressed in any way libarchive knows, one after the other as they come. Nothing is
/// written anywhere.
class ArchiveReader {
 public:
  /// `name` is for messages. Throws Error(bad_format) where the bytes are no tar.
  ArchiveReader(std::string name, ReadBytes read);
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  /// Path of the next regular file, nullopt at the end. Throws Error(bad_format) where the archive breaks
  /// off, and what `read` throws.
  std::optional<std::string> next();
  /// The content of the file next() named. Throws Error(bad_format) if it is longer than `most_bytes`, and as
  /// next().
  std::string content(std::size_t most_bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True for a path that stays below the folder it is taken to be in: relative, without "..".
bool is_tame_path(std::string_view path);

}  // namespace sotto::evaluate
