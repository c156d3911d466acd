#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace sotto::hub {

/// An advisory lock (flock) on a file that huggingface_hub locks too, held until destruction.
class FileLock {
 public:
  /// Waits for it. Throws Error(io | cancelled).
  FileLock(const std::filesystem::path& path, const std::stop_token& stop);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  bool try_lock(const std::filesystem::path& path);

  int fd_ = -1;
};

/// Where huggingface_hub (2.4.0, file_download.py) keeps one model:
///
///   <cache>/models--org--name/blobs/<etag>               content, named by its hash
///                            /blobs/<etag>.incomplete    what came so far, under the lock
///                            /refs/<revision>            the commit it stood for when last fetched
///                            /snapshots/<commit>/<file>  relative link to the blob
///   <cache>/.locks/models--org--name/<etag>.lock
///
/// Functions that take names of a server's expect them checked (is_safe_path, is_etag, is_commit).
class ModelCache {
 public:
  ModelCache(std::filesystem::path cache, std::string_view repository);

  /// Creates the folders. Throws Error(io).
  void prepare() const;

  std::filesystem::path snapshot(const std::string& commit) const;
  std::filesystem::path blob(const std::string& etag) const;
  std::filesystem::path incomplete_blob(const std::string& etag) const;

  /// The commit that a revision stood for when it was last fetched, if there is a snapshot of it.
  std::optional<std::string> commit_of(const std::string& revision) const;
  /// Notes it, once the snapshot is whole. Throws Error(io).
  void set_commit(const std::string& revision, const std::string& commit) const;

  bool has_file(const std::string& commit, const std::string& file) const;
  /// Makes the blob appear as `file` of the snapshot; under the blob's lock. Throws Error(io).
  void link_file(const std::string& commit, const std::string& file, const std::string& etag) const;

  FileLock lock(const std::string& etag, const std::stop_token& stop) const;

 private:
  std::filesystem::path cache_;
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

/// 40 to 64 hexadecimal digits.
bool is_commit(std::string_view text);
/// Letters, digits, "-" and "_", at most 128.
bool is_etag(std::string_view text);

}  // namespace sotto::hub
