#include "evaluate/archive_reader.h"

#include <array>
#include <exception>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::evaluate {

struct ArchiveReader::Impl {
  struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
  };

  std::string name;
  ReadBytes read;
  std::array<char, 1U << 16U> buffer{};
  std::exception_ptr failure;
  std::unique_ptr<archive, Free> reader;

  /// libarchive's callback; exceptions may not pass through C and are kept.
  static la_ssize_t on_read(archive* a, void* self, const void** data) {
    auto& impl = *static_cast<Impl*>(self);
    *data = impl.buffer.data();
    try {
      return static_cast<la_ssize_t>(impl.read(impl.buffer));
    } catch (...) {
      impl.failure = std::current_exception();
      archive_set_error(a, ARCHIVE_FATAL, "reading failed");
      return -1;
    }
  }

  [[noreturn]] void fail(std::string_view expected) {
    if (failure) {
      std::rethrow_exception(failure);
    }
    const char* why = archive_error_string(reader.get());
    throw Error(ErrorCode::bad_format, name,
                fmt::format("expected {}, found: {}.", expected, why != nullptr ? why : "damage"));
  }
};

ArchiveReader::ArchiveReader(std::string name, ReadBytes read) : impl_(std::make_unique<Impl>()) {
  impl_->name = std::move(name);
  impl_->read = std::move(read);
  impl_->reader.reset(archive_read_new());
  archive_read_support_filter_all(impl_->reader.get());
  archive_read_support_format_tar(impl_->reader.get());
  if (archive_read_open(impl_->reader.get(), impl_.get(), nullptr, &Impl::on_read, nullptr) != ARCHIVE_OK) {
    impl_->fail("a tar archive");
  }
}

ArchiveReader::~ArchiveReader() = default;

std::optional<std::string> ArchiveReader::next() {
  for (;;) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(impl_->reader.get(), &entry);
    if (code == ARCHIVE_EOF) {
      return std::nullopt;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
      impl_->fail("a whole tar archive");
    }
    const char* path = archive_entry_pathname(entry);
    if (archive_entry_filetype(entry) == AE_IFREG) {
      return path != nullptr ? path : "";  // a name in no known encoding: not tame, and so reported
    }
  }
}

std::string ArchiveReader::content(std::size_t most_bytes) {
  std::string content;
  std::array<char, 1U << 16U> part{};
  for (;;) {
    const la_ssize_t n = archive_read_data(impl_->reader.get(), part.data(), part.size());
    if (n == 0) {
      return content;
    }
    if (n < 0) {
      impl_->fail("a whole tar archive");
    }
    content.append(part.data(), static_cast<std::size_t>(n));
    if (content.size() > most_bytes) {
      throw Error(
          ErrorCode::bad_format, impl_->name,
          fmt::format("expected members of at most {} MB, found a longer one.", most_bytes / 1'000'000));
    }
  }
}

bool is_tame_path(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos) {
    return false;
  }
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") {
      return false;
    }
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return true;
}

}  // namespace sotto::evaluate
