#include "core/atomic_file.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "sotto/error.h"

namespace sotto {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void throw_errno(const fs::path& path, std::string_view action, int error) {
  throw Error(ErrorCode::io, path.string(), fmt::format("{} failed: {}.", action, std::strerror(error)));
}

/// A file descriptor that closes itself; close errors are reported by close().
class OpenFile {
 public:
  OpenFile(const fs::path& path, const fs::path& shown) : path_(path), shown_(shown) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) {
      throw_errno(shown_, "writing", errno);
    }
  }
  ~OpenFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  void write(std::string_view content) {
    while (!content.empty()) {
      const ssize_t n = ::write(fd_, content.data(), content.size());
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        throw_errno(shown_, "writing", errno);
      }
      content.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void close() {
    if (::fsync(fd_) != 0 && errno != EINVAL && errno != ENOTSUP) {
      throw_errno(shown_, "writing", errno);
    }
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) {
      throw_errno(shown_, "writing", errno);
    }
  }

 private:
  fs::path path_;
  fs::path shown_;
  int fd_ = -1;
};

fs::path partial_name(const fs::path& target, std::string_view owner) {
  return target.parent_path() / fmt::format(".{}.{}.partial", target.filename().string(), owner);
}

/// This process, as AtomicDirectory's clean-up reads it from a name.
std::string process_owner() {
  return fmt::format("{}", ::getpid());
}

/// This call, so that two threads that write one file do not share its temporary one.
std::string call_owner() {
  static std::atomic<unsigned> n_calls = 0;
  return fmt::format("{}-{}", ::getpid(), n_calls++);
}

fs::path without_trailing_slash(fs::path path) {
  return path.has_filename() ? path : path.parent_path();
}

/// Removes what killed processes left for this target.
void remove_stale(const fs::path& target) {
  const std::string prefix = "." + target.filename().string() + ".";
  const std::string suffix = ".partial";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(target.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix) ||
        name.size() <= prefix.size() + suffix.size()) {
      continue;
    }
    const std::string pid = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid.size() > 9) {
      continue;
    }
    if (::kill(static_cast<pid_t>(std::stol(pid)), 0) != 0 && errno == ESRCH) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

}  // namespace

bool is_device_or_pipe(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return fs::exists(status) && fs::is_other(status);
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  const fs::path target = fs::absolute(path);
  if (fs::is_directory(target)) {
    throw Error(ErrorCode::io, path.string(), "expected a file to write, found a directory.");
  }
  if (is_device_or_pipe(target)) {
    OpenFile file(target, path);
    file.write(content);
    file.close();
    return;
  }
  const fs::path partial = partial_name(target, call_owner());
  try {
    OpenFile file(partial, path);
    file.write(content);
    file.close();
    std::error_code error;
    fs::rename(partial, target, error);
    if (error) {
      throw Error(ErrorCode::io, path.string(), fmt::format("renaming failed: {}.", error.message()));
    }
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
}

AtomicDirectory::AtomicDirectory(fs::path target) : target_(without_trailing_slash(fs::absolute(target))) {
  if (fs::exists(target_) && !fs::is_directory(target_)) {
    throw Error(ErrorCode::io, target_.string(), "expected a directory to write to, found a file.");
  }
  std::error_code error;
  fs::create_directories(target_.parent_path(), error);
  if (!error) {
    remove_stale(target_);
    partial_ = partial_name(target_, process_owner());
    fs::remove_all(partial_, error);
    fs::create_directory(partial_, error);
  }
  if (error) {
    throw Error(ErrorCode::io, target_.string(), fmt::format("creating failed: {}.", error.message()));
  }
}

AtomicDirectory::~AtomicDirectory() {
  if (!committed_) {
    std::error_code ignored;
    fs::remove_all(partial_, ignored);
  }
}

void AtomicDirectory::commit() {
  std::error_code error;
  const fs::path old = partial_.string() + ".old";
  const bool replaces = fs::exists(target_);
  if (replaces) {
    fs::rename(target_, old, error);
  }
  if (!error) {
    fs::rename(partial_, target_, error);
    if (error && replaces) {
      std::error_code ignored;
      fs::rename(old, target_, ignored);
    }
  }
  if (error) {
    throw Error(ErrorCode::io, target_.string(), fmt::format("renaming failed: {}.", error.message()));
  }
  committed_ = true;
  if (replaces) {
    fs::remove_all(old, error);
  }
}

}  // namespace sotto
