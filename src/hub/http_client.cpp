#include "hub/http_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <exception>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "hub/local_address.h"
#include "hub/url.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace {

constexpr int kMaxRedirects = 10;
constexpr std::size_t kMaxHeaderBytes = 256UL * 1024;
constexpr std::size_t kMaxDiscardedBytes = 64UL * 1024;
constexpr long kStalledBytesPerSecond = 1024;
constexpr long kReceiveBufferBytes = 256L * 1024;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_success(long status) {
  return status >= 200 && status < 300;
}

bool is_redirect(const Response& response) {
  constexpr std::array<long, 5> kRedirects = {301, 302, 303, 307, 308};
  return std::find(kRedirects.begin(), kRedirects.end(), response.status) != kRedirects.end() &&
         !response.header("location").empty();
}

bool may_pass(long status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

/// 206 of "HTTP/1.1 206 Partial Content"; 0 of a line that has no number there.
long status_of(std::string_view line) {
  const std::size_t space = std::min(line.find(' '), line.size() - 1);
  long status = 0;
  std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  return status;
}

/// Failures that further tries do not mend.
bool is_lasting(CURLcode code) {
  constexpr std::array kLasting = {CURLE_UNSUPPORTED_PROTOCOL,     CURLE_URL_MALFORMAT,
                                   CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
                                   CURLE_COULDNT_RESOLVE_PROXY,    CURLE_WEIRD_SERVER_REPLY};
  return std::find(kLasting.begin(), kLasting.end(), code) != kLasting.end();
}

/// Seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date), or of the hub's RateLimit header
/// ("api";r=0;t=55).
std::optional<double> retry_after_s(const Response& response) {
  const std::string value = response.header("retry-after");
  double seconds = 0.0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc() && end == value.data() + value.size() && std::isfinite(seconds)) {
    return std::max(seconds, 0.0);
  }
  if (const std::time_t date = value.empty() ? -1 : curl_getdate(value.c_str(), nullptr); date >= 0) {
    return std::max(std::difftime(date, std::time(nullptr)), 0.0);
  }
  const std::string limit = response.header("ratelimit");
  const std::size_t reset = limit.find(";t=");
  if (reset != std::string::npos &&
      std::from_chars(limit.data() + reset + 3, limit.data() + limit.size(), seconds).ec == std::errc()) {
    return std::max(seconds, 0.0);
  }
  return std::nullopt;
}

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) {
    throw Error(ErrorCode::internal, "libcurl", curl_easy_strerror(started));
  }
}

struct HeaderListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

TransientFailure::TransientFailure(const std::string& what, std::optional<double> retry_after_s)
    : std::runtime_error(what), retry_after_s_(retry_after_s) {}

std::string Response::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

/// One request as libcurl's callbacks see it. They may not throw through C: what they catch is kept.
struct HttpClient::Exchange {
  const BodySink* sink = nullptr;
  std::uint64_t start = 0;
  std::stop_token stop;

  Response response;
  std::size_t n_header_bytes = 0;
  std::size_t n_discarded = 0;
  bool begun = false;
  bool met_local = false;  ///< an address was refused because it is local
  std::exception_ptr failure;
  std::unique_ptr<curl_slist, HeaderListDeleter> request_headers;

  void begin() {
    if (!begun && is_success(response.status) && sink != nullptr) {
      begun = true;
      sink->begin(response);
    }
  }

  void read_header(std::string_view line) {
    n_header_bytes += line.size();
    if (n_header_bytes > kMaxHeaderBytes) {
      throw Error(ErrorCode::network, shown_url(response.url), "found more than 256 KiB of headers.");
    }
    if (line.starts_with("HTTP/")) {
      response.headers.clear();
      response.status = status_of(line);
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      return;
    }
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    response.headers[name] = trim(line.substr(colon + 1));
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t n, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    return exchange.guarded([&] { exchange.read_header({data, n}); }) ? n : 0;
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t n, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const auto receive = [&] {
      exchange.begin();
      if (exchange.begun) {
        exchange.sink->write({data, n});
      }
    };
    if (is_success(exchange.response.status)) {
      return exchange.guarded(receive) ? n : 0;
    }
    // Of no use, but reading a short one keeps the connection.
    exchange.n_discarded += n;
    return exchange.n_discarded <= kMaxDiscardedBytes ? n : 0;
  }

  /// Opens a socket unless the address it is for is local.
  static curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    if (is_local_address(address->addr)) {
      static_cast<Exchange*>(self)->met_local = true;
      return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Exchange*>(self)->stop.stop_requested() ? 1 : 0;
  }

  template <typename Work>
  bool guarded(const Work& work) noexcept {
    try {
      work();
      return true;
    } catch (...) {
      failure = std::current_exception();
      return false;
    }
  }
};

void HttpClient::CurlDeleter::operator()(void* curl) const {
  curl_easy_cleanup(curl);
}

HttpClient::HttpClient(const HubOptions& options, std::stop_token stop)
    : options_(options), origin_(origin_of(options.endpoint)), stop_(std::move(stop)) {
  const auto is_printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(options.token.begin(), options.token.end(), is_printable)) {
    throw Error(ErrorCode::invalid_argument, "token", "expected printable ASCII without spaces.");
  }
  start_curl();
  curl_.reset(curl_easy_init());
  if (!curl_) {
    throw Error(ErrorCode::internal, "libcurl", "no handle could be made.");
  }
}

void HttpClient::set_options(const std::string& url, Exchange& exchange, bool head) {
  CURL* curl = curl_.get();
  curl_easy_reset(curl);  // keeps the connections
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(curl, option, value); code != CURLE_OK) {
      throw Error(ErrorCode::invalid_argument, shown_url(url),
                  fmt::format("libcurl refused an option: {}.", curl_easy_strerror(code)));
    }
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, url.starts_with("https:") ? "https" : "http");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "sotto/" SOTTO_VERSION);
  set(CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  set(CURLOPT_CONNECTTIMEOUT_MS, std::lround(std::max(options_.connect_timeout_s, 0.001) * 1000));
  set(CURLOPT_LOW_SPEED_LIMIT, kStalledBytesPerSecond);
  set(CURLOPT_LOW_SPEED_TIME, std::max(std::lround(options_.stall_timeout_s), 1L));
  // Set even if empty: libcurl would read the environment otherwise.
  set(CURLOPT_PROXY, options_.proxy.c_str());
  set(CURLOPT_NOPROXY, options_.no_proxy.c_str());
  if (!options_.ca_bundle.empty()) {
    set(CURLOPT_CAINFO, options_.ca_bundle.c_str());
  }
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, &exchange);
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Exchange::on_progress);
  set(CURLOPT_XFERINFODATA, &exchange);
  if (head) {
    set(CURLOPT_NOBODY, 1L);
  }
  if (!allows_local_ && options_.proxy.empty()) {
    set(CURLOPT_OPENSOCKETFUNCTION, &Exchange::on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, &exchange);
  }
  exchange.request_headers.reset();
  const auto add_header = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(exchange.request_headers.get(), line.c_str());
    if (longer == nullptr) {
      throw std::bad_alloc();
    }
    std::ignore = exchange.request_headers.release();
    exchange.request_headers.reset(longer);
  };
  add_header("Accept-Encoding: identity");  // lengths and hashes are of the file itself
  if (exchange.start > 0) {
    add_header(fmt::format("Range: bytes={}-", exchange.start));
  }
  if (!options_.token.empty() && origin_of(url) == origin_) {
    add_header("Authorization: Bearer " + options_.token);
  }
  set(CURLOPT_HTTPHEADER, exchange.request_headers.get());
}

void HttpClient::exchange_once(const std::string& url, Exchange& exchange, bool head) {
  const auto refuse_local = [&url] {
    throw Error(ErrorCode::network, shown_url(url),
                "expected a public address, found a local one; --allow-local-urls permits it.");
  };
  if (!allows_local_ && has_local_host(url)) {
    refuse_local();
  }
  exchange.response = Response{.status = 0, .url = url, .headers = {}};
  exchange.n_header_bytes = 0;
  exchange.n_discarded = 0;
  exchange.met_local = false;
  set_options(url, exchange, head);
  const CURLcode code = curl_easy_perform(curl_.get());
  if (exchange.failure) {
    std::rethrow_exception(exchange.failure);
  }
  if (stop_.stop_requested()) {
    throw Error(ErrorCode::cancelled, shown_url(url), "stopped on request.");
  }
  const bool refused_body =
      code == CURLE_WRITE_ERROR && exchange.response.status != 0 && !is_success(exchange.response.status);
  if (code == CURLE_OK || refused_body) {
    return;
  }
  if (exchange.met_local) {
    refuse_local();
  }
  const std::string what = fmt::format("{}: {}", shown_url(url), curl_easy_strerror(code));
  if (is_lasting(code)) {
    throw Error(ErrorCode::network, shown_url(url), fmt::format("{}.", curl_easy_strerror(code)));
  }
  throw TransientFailure(what, std::nullopt);
}

Response HttpClient::follow(std::string url, Exchange& exchange, bool head) {
  exchange.stop = stop_;
  for (int i = 0; i <= kMaxRedirects; ++i) {
    exchange_once(url, exchange, head);
    const Response& response = exchange.response;
    if (may_pass(response.status)) {
      throw TransientFailure(fmt::format("{}: status {}", shown_url(url), response.status),
                             retry_after_s(response));
    }
    if (!is_redirect(response)) {
      exchange.begin();
      return response;
    }
    if (head && !response.header("x-linked-etag").empty()) {
      return response;
    }
    url = redirect_target(url, response.header("location"));
  }
  throw Error(ErrorCode::network, shown_url(url),
              fmt::format("found more than {} redirects.", kMaxRedirects));
}

Response HttpClient::get(const std::string& url, std::uint64_t start, const BodySink& sink) {
  Exchange exchange;
  exchange.sink = &sink;
  exchange.start = start;
  return follow(url, exchange, false);
}

Response HttpClient::head(const std::string& url) {
  Exchange exchange;
  return follow(url, exchange, true);
}

}  // namespace sotto::hub
