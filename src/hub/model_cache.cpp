#include "hub/model_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "core/log.h"
#include "hub/retry.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace fs = std::filesystem;
namespace {

constexpr double kLockPollS = 0.05;
/// Group-writable as huggingface_hub makes it, so that users who share a cache can wait for each other.
constexpr mode_t kLockMode = 0664;

[[noreturn]] void throw_io(const fs::path& path, std::string_view action, const std::error_code& error) {
  throw Error(ErrorCode::io, path.string(), fmt::format("{} failed: {}.", action, error.message()));
}

std::error_code last_error() {
  return {errno, std::generic_category()};
}

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw_io(path, "creating", error);
  }
}

/// "models--org--name"
std::string folder_name(std::string_view repository) {
  const std::size_t slash = repository.find('/');
  return fmt::format("models--{}--{}", repository.substr(0, slash), repository.substr(slash + 1));
}

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

FileLock::FileLock(const fs::path& path, const std::stop_token& stop) {
  make_directories(path.parent_path());
  for (bool waits = false; !try_lock(path); waits = true) {
    if (!waits) {
      log(LogLevel::info, fmt::format("{}: waiting for another process", path.string()));
    }
    sleep_unless_stopped(kLockPollS, stop);
  }
}

bool FileLock::try_lock(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode);
  if (fd < 0) {
    throw_io(path, "opening the lock", last_error());
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::error_code error = last_error();
    ::close(fd);
    if (error.value() == EWOULDBLOCK || error.value() == EINTR) {
      return false;
    }
    throw_io(path, "locking", error);
  }
  // Someone may have removed the file between open and flock: then this locks nothing that others see.
  struct stat opened{};
  struct stat named{};
  if (::fstat(fd, &opened) != 0 || ::stat(path.c_str(), &named) != 0 || opened.st_ino != named.st_ino ||
      opened.st_dev != named.st_dev) {
    ::close(fd);
    return false;
  }
  fd_ = fd;
  return true;
}

FileLock::~FileLock() {
  if (fd_ >= 0) {
    ::close(fd_);  // releases it; the file stays, as others may be waiting on it
  }
}

ModelCache::ModelCache(fs::path cache, std::string_view repository)
    : cache_(std::move(cache)),
      folder_(cache_ / folder_name(repository)),
      locks_(cache_ / ".locks" / folder_name(repository)) {}

void ModelCache::prepare() const {
  make_directories(folder_ / "blobs");
  make_directories(locks_);
  const fs::path tag = cache_ / "CACHEDIR.TAG";
  if (!fs::exists(tag)) {
    // The first line is the standard's (bford.info/cachedir): backup tools skip the directory.
    write_file_atomically(tag,
                          "Signature: 8a477f597d28d172789f06886806bc55\n"
                          "# This file marks a cache of downloaded models.\n");
  }
}

fs::path ModelCache::snapshot(const std::string& commit) const {
  return folder_ / "snapshots" / commit;
}

fs::path ModelCache::blob(const std::string& etag) const {
  return folder_ / "blobs" / etag;
}

fs::path ModelCache::incomplete_blob(const std::string& etag) const {
  return folder_ / "blobs" / (etag + ".incomplete");
}

std::optional<std::string> ModelCache::commit_of(const std::string& revision) const {
  std::string commit = revision;
  std::error_code error;
  if (const fs::path ref = folder_ / "refs" / revision; fs::is_regular_file(ref, error)) {
    std::ifstream in(ref, std::ios::binary);
    commit.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (!is_commit(commit) || !fs::is_directory(snapshot(commit), error)) {
    return std::nullopt;
  }
  return commit;
}

void ModelCache::set_commit(const std::string& revision, const std::string& commit) const {
  if (revision == commit || commit_of(revision) == commit) {
    return;
  }
  const fs::path ref = folder_ / "refs" / revision;
  make_directories(ref.parent_path());
  write_file_atomically(ref, commit);
}

bool ModelCache::has_file(const std::string& commit, const std::string& file) const {
  std::error_code error;
  return fs::is_regular_file(snapshot(commit) / file, error);
}

void ModelCache::link_file(const std::string& commit,
                           const std::string& file,
                           const std::string& etag) const {
  if (has_file(commit, file)) {
    return;
  }
  const fs::path link = snapshot(commit) / file;
  make_directories(link.parent_path());
  std::error_code error;
  fs::remove(link, error);  // a link whose blob was deleted
  fs::create_symlink(blob(etag).lexically_relative(link.parent_path()), link, error);
  if (error && !has_file(commit, file)) {
    throw_io(link, "linking", error);
  }
}

FileLock ModelCache::lock(const std::string& etag, const std::stop_token& stop) const {
  return {locks_ / (etag + ".lock"), stop};
}

bool is_commit(std::string_view text) {
  return text.size() >= 40 && text.size() <= 64 && all_of(text, "0123456789abcdef");
}

bool is_etag(std::string_view text) {
  constexpr std::string_view kAllowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  return !text.empty() && text.size() <= 128 && all_of(text, kAllowed);
}

}  // namespace sotto::hub
