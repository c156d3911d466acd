#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include "sotto/hub.h"

namespace sotto::hub {

/// A failure that may pass: a cut, a stall, 408, 429 or 5xx. Stays inside this room; see Retry.
class TransientFailure : public std::runtime_error {
 public:
  TransientFailure(const std::string& what, std::optional<double> retry_after_s);
  /// How long the server asked to be left alone.
  std::optional<double> retry_after_s() const { return retry_after_s_; }

 private:
  std::optional<double> retry_after_s_;
};

struct Response {
  long status = 0;
  std::string url;                             ///< that answered, after redirects
  std::map<std::string, std::string> headers;  ///< names in lower case; of several, the last

  /// The header's value, or "".
  std::string header(const std::string& name) const;
};

/// Who receives the body of a 2xx answer; both may throw.
struct BodySink {
  std::function<void(const Response&)> begin;   ///< once, before the first byte, also of an empty body
  std::function<void(std::string_view)> write;  ///< each piece, in order
};

/// HTTP over one reused connection. Redirects are followed here and not by libcurl, so that the token is
/// seen by the endpoint's own origin only. Not for use by two threads at once.
class HttpClient {
 public:
  /// Throws Error(invalid_argument) if endpoint, token or proxy cannot be used.
  HttpClient(const HubOptions& options, std::stop_token stop);

  /// From now on no local address (is_local_address) is connected to; see MediaOptions.
  void refuse_local_addresses() { allows_local_ = false; }

  /// Asks for the bytes from `start` on and hands a 2xx body to `sink`; other statuses are returned.
  /// Throws TransientFailure; Error(network) for redirects that lead astray and certificates that do not
  /// hold; Error(cancelled).
  Response get(const std::string& url, std::uint64_t start, const BodySink& sink);

  /// The headers of a file. Redirects are followed up to the first answer that tells what the hub knows of
  /// the file it leads to (X-Linked-ETag).
  Response head(const std::string& url);

 private:
  struct CurlDeleter {
    void operator()(void* curl) const;
  };
  struct Exchange;

  Response follow(std::string url, Exchange& exchange, bool head);
  void exchange_once(const std::string& url, Exchange& exchange, bool head);
  void set_options(const std::string& url, Exchange& exchange, bool head);

  const HubOptions options_;
  const std::string origin_;
  const std::stop_token stop_;
  bool allows_local_ = true;
  std::unique_ptr<void, CurlDeleter> curl_;
};

}  // namespace sotto::hub
