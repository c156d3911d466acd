#pragma once

#include <filesystem>
#include <string_view>

namespace sotto::evaluate {

/// A file without a place on any disk, for readers that want a path (Linux: memfd_create).
class MemoryFile {
 public:
  /// Throws Error(io) where the system refuses.
  explicit MemoryFile(std::string_view content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  /// While this object lives.
  std::filesystem::path path() const;

 private:
  int descriptor_ = -1;
};

}  // namespace sotto::evaluate
