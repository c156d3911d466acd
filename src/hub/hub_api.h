#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "hub/http_client.h"
#include "hub/retry.h"

namespace sotto::hub {

/// What a revision of a repository holds.
struct Listing {
  std::string commit;
  std::set<std::string> files;  ///< safe relative paths
};

/// What the hub says of one file before it is fetched.
struct RemoteFile {
  std::string name;
  std::string url;
  std::string etag;                   ///< names the blob; of usual forms the content's hash
  std::optional<std::uint64_t> size;  ///< nullopt: the server does not say
};

/// Largest file that a server may announce or send, by the kind of file that its name tells.
std::uint64_t max_file_bytes(std::string_view name);

/// The two questions that a hub is asked about a model. Answers are checked before they are believed.
class HubApi {
 public:
  /// All must outlive this.
  HubApi(HttpClient& http, const HubOptions& options, std::string_view repository);

  /// Throws Error(not_found | network | bad_format | cancelled).
  Listing list(Retry& retry);
  /// Throws the same.
  RemoteFile describe(const std::string& commit, const std::string& name, Retry& retry);

  /// Throws what an answer other than success means for the user: Error(not_found | network). `what` is the
  /// file asked for, or "" for the model itself.
  [[noreturn]] void throw_status(const Response& response, std::string_view what) const;

 private:
  [[noreturn]] void throw_not_found() const;

  HttpClient& http_;
  const HubOptions& options_;
  const std::string_view repository_;
  const std::string endpoint_;
};

}  // namespace sotto::hub
