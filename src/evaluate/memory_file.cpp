#include "evaluate/memory_file.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto::evaluate {

MemoryFile::MemoryFile(std::string_view content) : descriptor_(::memfd_create("sotto", MFD_CLOEXEC)) {
  while (descriptor_ >= 0 && !content.empty()) {
    const ssize_t n = ::write(descriptor_, content.data(), content.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (descriptor_ < 0 || !content.empty()) {
    const std::string why = std::strerror(errno);
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
    throw Error(ErrorCode::io, "memory", fmt::format("a file in memory cannot be made: {}.", why));
  }
}

MemoryFile::~MemoryFile() {
  ::close(descriptor_);
}

std::filesystem::path MemoryFile::path() const {
  return fmt::format("/proc/self/fd/{}", descriptor_);
}

}  // namespace sotto::evaluate
