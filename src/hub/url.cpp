#include "hub/url.h"

#include <algorithm>
#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::hub {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

/// A part of the URL, or "" where it has none.
std::string part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) {
    return {};
  }
  const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return text;
}

Url parse(const std::string& text) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return nullptr;
  }
  return url;
}

bool is_http(const Url& url) {
  const std::string scheme = part(url, CURLUPART_SCHEME);
  return scheme == "https" || scheme == "http";
}

bool has_user(const Url& url) {
  return !part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty();
}

std::string escape(std::string_view text, std::string_view kept) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || kept.find(c) != std::string_view::npos) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", byte);
    }
  }
  return escaped;
}

}  // namespace

std::string origin_of(const std::string& url) {
  const Url parsed = parse(url);
  if (!parsed || !is_http(parsed)) {
    throw Error(ErrorCode::invalid_argument, shown_url(url), "expected an http:// or https:// URL.");
  }
  if (has_user(parsed)) {
    throw Error(ErrorCode::invalid_argument, shown_url(url),
                "expected a URL without user and password; use a token.");
  }
  std::string host = part(parsed, CURLUPART_HOST);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return fmt::format("{}://{}:{}", part(parsed, CURLUPART_SCHEME), host,
                     part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

std::string host_of(const std::string& url) {
  const Url parsed = parse(url);
  return parsed ? part(parsed, CURLUPART_HOST) : "";
}

std::string file_name_of(const std::string& url) {
  const Url parsed = parse(url);
  const std::string path = parsed ? part(parsed, CURLUPART_PATH, CURLU_URLDECODE) : "";
  return path.substr(path.rfind('/') + 1);
}

std::string redirect_target(const std::string& url, const std::string& location) {
  const Url target = parse(url);
  if (!target || curl_url_set(target.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK ||
      !is_http(target)) {
    throw Error(ErrorCode::network, shown_url(url),
                fmt::format("expected a redirect to an http or https URL, found \"{}\".",
                            shown_text(location.substr(0, location.find('?')))));
  }
  if (has_user(target)) {
    throw Error(ErrorCode::network, shown_url(url), "refused a redirect to a URL with user and password.");
  }
  std::string absolute = part(target, CURLUPART_URL);
  if (url.starts_with("https:") && !absolute.starts_with("https:")) {
    throw Error(ErrorCode::network, shown_url(url),
                fmt::format("refused a redirect from https to {}.", shown_url(absolute)));
  }
  return absolute;
}

std::string escape_path(std::string_view path) {
  return escape(path, "-._~/");
}

std::string escape_component(std::string_view component) {
  return escape(component, "-._~");
}

std::string shown_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t path = std::min(url.find_first_of("/?#", host), url.size());
  const std::size_t user = url.substr(host, path - host).rfind('@');
  std::string shown = url.substr(0, host);
  shown += url.substr(user == std::string::npos ? host : host + user + 1);
  return shown_text(shown.substr(0, shown.find_first_of("?#")));
}

std::string shown_text(std::string_view text) {
  constexpr std::size_t kMaxShown = 200;
  std::string shown(text.substr(0, kMaxShown));
  std::replace_if(shown.begin(), shown.end(), [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (text.size() > kMaxShown) {
    shown += "...";
  }
  return shown;
}

}  // namespace sotto::hub
