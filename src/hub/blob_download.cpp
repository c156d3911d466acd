#include "hub/blob_download.h"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "hub/content_hash.h"
#include "hub/url.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace fs = std::filesystem;
namespace {

/// So much more than ever before gives the tries back: a slow line that is often cut gets there.
constexpr std::uint64_t kProgressBytes = 1024UL * 1024;
constexpr int kMaxRestarts = 1;

/// The blob while it is not whole: appended to, cut back, renamed.
class IncompleteFile {
 public:
  explicit IncompleteFile(fs::path path) : path_(std::move(path)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    struct stat status{};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
      fail("opening");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~IncompleteFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  IncompleteFile(const IncompleteFile&) = delete;
  IncompleteFile& operator=(const IncompleteFile&) = delete;

  const fs::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        fail("writing");
      }
      size_ += static_cast<std::uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void clear() {
    if (::ftruncate(fd_, 0) != 0) {
      fail("truncating");
    }
    size_ = 0;
  }

  void remove() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  void publish(const fs::path& target) {
    if (::fsync(fd_) != 0 && errno != EINVAL && errno != ENOTSUP) {
      fail("writing");
    }
    if (::rename(path_.c_str(), target.c_str()) != 0) {
      fail("renaming");
    }
  }

 private:
  [[noreturn]] void fail(std::string_view action) const {
    const std::error_code error(errno, std::generic_category());
    throw Error(
        ErrorCode::io, path_.string(),
        fmt::format("{} failed: {}; what came so far is kept for a later try.", action, error.message()));
  }

  fs::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

/// "bytes 100-199/200" begins at `start` and is of a file of `size` bytes, where known.
bool is_range_from(const std::string& content_range, std::uint64_t start, std::optional<std::uint64_t> size) {
  const std::string expected = fmt::format("bytes {}-", start);
  const std::size_t slash = content_range.find('/');
  if (!content_range.starts_with(expected) || slash == std::string::npos) {
    return false;
  }
  const std::string total = content_range.substr(slash + 1);
  return !size || total == "*" || total == std::to_string(*size);
}

class Transfer {
 public:
  Transfer(const RemoteFile& file,
           const TransferContext& context,
           const std::function<void(std::uint64_t)>& on_bytes)
      : file_(file),
        context_(context),
        on_bytes_(on_bytes),
        incomplete_(context.cache.incomplete_blob(file.etag)),
        most_(incomplete_.size()) {}

  void run() {
    do {
      context_.retry([&] { receive(); });
    } while (!has_right_content());
    incomplete_.publish(context_.cache.blob(file_.etag));
  }

 private:
  /// One request for what is not there yet.
  void receive() {
    if (file_.size && incomplete_.size() > *file_.size) {
      incomplete_.clear();
    }
    on_bytes_(incomplete_.size());
    if (file_.size && incomplete_.size() == *file_.size) {
      return;
    }
    const std::uint64_t start = incomplete_.size();
    const BodySink sink{.begin = [&](const Response& response) { begin(response, start); },
                        .write = [&](std::string_view bytes) { write(bytes); }};
    const Response response = context_.http.get(file_.url, start, sink);
    if (response.status == 416) {
      restart(response, "it has no bytes from where the transfer ended");
    }
    if (response.status < 200 || response.status >= 300) {
      context_.api.throw_status(response, file_.name);
    }
    if (file_.size && incomplete_.size() < *file_.size) {
      throw TransientFailure(fmt::format("{}: ended after {} of {} bytes", shown_url(response.url),
                                         incomplete_.size(), *file_.size),
                             std::nullopt);
    }
  }

  void begin(const Response& response, std::uint64_t start) {
    if (response.status == 206) {
      if (start == 0 || !is_range_from(response.header("content-range"), start, file_.size)) {
        restart(response, fmt::format("expected the bytes from {} on, found \"{}\"", start,
                                      shown_text(response.header("content-range"))));
      }
      return;
    }
    if (response.status != 200) {
      throw Error(ErrorCode::network, shown_url(response.url),
                  fmt::format("expected status 200 or 206, found {}.", response.status));
    }
    if (start > 0) {
      incomplete_.clear();  // the server does not do ranges
    }
    const std::string length = response.header("content-length");
    if (file_.size && !length.empty() && length != std::to_string(*file_.size)) {
      restart(response, fmt::format("expected {} bytes, found {}", *file_.size, shown_text(length)));
    }
  }

  void write(std::string_view bytes) {
    const std::uint64_t limit = file_.size.value_or(max_file_bytes(file_.name));
    if (bytes.size() > limit - incomplete_.size()) {
      restart({.status = 200, .url = file_.url, .headers = {}},
              fmt::format("expected {} bytes, found more", limit));
    }
    incomplete_.append(bytes);
    if (incomplete_.size() >= most_ + kProgressBytes) {
      most_ = incomplete_.size();
      context_.retry.reset();
    }
    on_bytes_(incomplete_.size());
  }

  /// Drops what there is of the file, for one more try from its beginning.
  [[noreturn]] void restart(const Response& response, const std::string& why) {
    count_restart(shown_url(response.url), why);
    throw TransientFailure(fmt::format("{}: {}", shown_url(response.url), why), 0.0);
  }

  void count_restart(std::string_view where, const std::string& why) {
    if (n_restarts_ >= kMaxRestarts) {
      incomplete_.remove();
      throw Error(ErrorCode::network, where, fmt::format("{}, for the second time.", why));
    }
    ++n_restarts_;
    incomplete_.clear();
  }

  bool has_right_content() {
    const std::string hash = hash_for_etag(file_.etag, incomplete_.path(), context_.stop);
    if (hash == file_.etag) {
      return true;
    }
    if (hash.empty()) {
      log(LogLevel::warning,
          fmt::format("{}: the server states no hash; only the length was checked", shown_url(file_.url)));
      return true;
    }
    const std::string why = fmt::format("expected content of hash {}, found {}", file_.etag, hash);
    log(LogLevel::warning, fmt::format("{}: {}", shown_url(file_.url), why));
    count_restart(shown_url(file_.url), why);
    return false;
  }

  const RemoteFile& file_;
  const TransferContext& context_;
  const std::function<void(std::uint64_t)>& on_bytes_;
  IncompleteFile incomplete_;
  std::uint64_t most_ = 0;  ///< largest size there ever was
  int n_restarts_ = 0;
};

}  // namespace

void fetch_blob(const RemoteFile& file,
                const TransferContext& context,
                const std::function<void(std::uint64_t)>& on_bytes) {
  Transfer(file, context, on_bytes).run();
}

}  // namespace sotto::hub
