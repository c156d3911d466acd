#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

namespace sotto::hub {

/// Lower-case hexadecimal SHA-256 of a file: what the hub uses as the entity tag of large files.
/// Throws Error(io | cancelled).
std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Lower-case hexadecimal SHA-1 of "blob <length>\0" and the content, git's name of a file: the hub's entity
/// tag of files that git keeps itself. Throws Error(io | cancelled).
std::string git_blob_id_of_file(const std::filesystem::path& path, const std::stop_token& stop = {});

/// The hash of `path` that an entity tag of this form states (64 hexadecimal digits: SHA-256, 40: git), or ""
/// for a tag of another form, which mirrors may use and which states nothing.
std::string hash_for_etag(std::string_view etag,
                          const std::filesystem::path& path,
                          const std::stop_token& stop = {});

}  // namespace sotto::hub
