#include "quantize/sample_store.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include <unistd.h>

#include "sotto/error.h"

namespace sotto::quantize {
namespace {

Error file_error(const char* what) {
  return {ErrorCode::io, "statistics",
          std::string(what) + " a temporary file failed: " + std::strerror(errno) + "."};
}

int open_temporary_file() {
  std::string name = (std::filesystem::temp_directory_path() / "sotto-statistics-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) {
    throw file_error("opening");
  }
  ::unlink(name.c_str());
  return file;
}

}  // namespace

SampleStore::~SampleStore() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

SampleStore::SampleStore(SampleStore&& other) noexcept {
  *this = std::move(other);
}

SampleStore& SampleStore::operator=(SampleStore&& other) noexcept {
  std::swap(budget_bytes_, other.budget_bytes_);
  std::swap(file_, other.file_);
  std::swap(n_spilled_, other.n_spilled_);
  std::swap(recent_, other.recent_);
  return *this;
}

SampleStore::Row SampleStore::append(std::span<const float> row) {
  if ((recent_.size() + row.size()) * sizeof(float) > budget_bytes_) {
    spill();
  }
  const Row at{n_spilled_ + recent_.size(), static_cast<std::uint32_t>(row.size())};
  recent_.insert(recent_.end(), row.begin(), row.end());
  return at;
}

void SampleStore::spill() {
  if (file_ < 0) {
    file_ = open_temporary_file();
  }
  const char* data = reinterpret_cast<const char*>(recent_.data());
  std::size_t left = recent_.size() * sizeof(float);
  while (left != 0) {
    const ssize_t written = ::write(file_, data, left);
    if (written < 0 && errno != EINTR) {
      throw file_error("writing");
    }
    const auto n = static_cast<std::size_t>(std::max<ssize_t>(written, 0));
    data += n;
    left -= n;
  }
  n_spilled_ += recent_.size();
  recent_.clear();
}

void SampleStore::read(Row row, std::vector<float>& to) const {
  if (row.offset >= n_spilled_) {
    const auto first = recent_.begin() + static_cast<std::ptrdiff_t>(row.offset - n_spilled_);
    to.assign(first, first + row.size);
    return;
  }
  to.resize(row.size);
  std::size_t done = 0;
  const std::size_t n_bytes = row.size * sizeof(float);
  while (done < n_bytes) {
    const auto at = static_cast<off_t>(row.offset * sizeof(float) + done);
    const ssize_t n = ::pread(file_, reinterpret_cast<char*>(to.data()) + done, n_bytes - done, at);
    if (n == 0 || (n < 0 && errno != EINTR)) {
      throw file_error("reading");
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
}

std::size_t SampleStore::memory_bytes() const {
  return recent_.capacity() * sizeof(float);
}

}  // namespace sotto::quantize
