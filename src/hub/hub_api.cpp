#include "hub/hub_api.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hub/model_cache.h"
#include "hub/names.h"
#include "hub/url.h"
#include "sotto/error.h"

namespace sotto::hub {
namespace {

constexpr std::size_t kMaxListingBytes = 16UL * 1024 * 1024;
constexpr std::uint64_t kMaxTextFileBytes = 64UL * 1024 * 1024;
constexpr std::uint64_t kMaxFileBytes = 100'000'000'000;

std::string without_trailing_slashes(std::string text) {
  while (text.ends_with('/')) {
    text.pop_back();
  }
  return text;
}

Listing read_listing(const std::string& body, const std::string& url) {
  const auto fail = [&](std::string_view what) {
    throw Error(ErrorCode::bad_format, shown_url(url),
                fmt::format("expected a hub's answer about a model, found {}; is the endpoint a hub?", what));
  };
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) {
    fail(json.is_discarded() ? "no JSON" : "no JSON object");
  }
  const auto sha = json.find("sha");
  const auto siblings = json.find("siblings");
  if (sha == json.end() || !sha->is_string() || !is_commit(sha->get_ref<const std::string&>())) {
    fail("no commit in field \"sha\"");
  }
  if (siblings == json.end() || !siblings->is_array()) {
    fail("no list of files in field \"siblings\"");
  }
  Listing listing{.commit = sha->get<std::string>(), .files = {}};
  for (const auto& sibling : *siblings) {
    const auto name = sibling.is_object() ? sibling.find("rfilename") : sibling.end();
    if (name == sibling.end() || !name->is_string()) {
      fail("an entry of \"siblings\" without a name");
    }
    if (const auto& text = name->get_ref<const std::string&>(); !is_safe_path(text)) {
      fail(fmt::format("a file name that leads elsewhere: \"{}\"", shown_text(text)));
    }
    listing.files.insert(name->get<std::string>());
  }
  return listing;
}

/// The entity tag as huggingface_hub names blobs by it: without W/ and quotes.
std::string bare_etag(std::string etag) {
  if (etag.starts_with("W/")) {
    etag.erase(0, 2);
  }
  std::erase(etag, '"');
  return etag;
}

/// A number of bytes, or nullopt for "".
std::optional<std::uint64_t> parse_size(const std::string& text, const RemoteFile& file) {
  if (text.empty()) {
    return std::nullopt;
  }
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size > max_file_bytes(file.name)) {
    throw Error(ErrorCode::bad_format, shown_url(file.url),
                fmt::format("expected a size of at most {} bytes, found \"{}\".", max_file_bytes(file.name),
                            shown_text(text)));
  }
  return size;
}

bool is_success(const Response& response) {
  return response.status >= 200 && response.status < 300;
}

}  // namespace

std::uint64_t max_file_bytes(std::string_view name) {
  return name.ends_with(".json") || name.ends_with(".txt") ? kMaxTextFileBytes : kMaxFileBytes;
}

HubApi::HubApi(HttpClient& http, const HubOptions& options, std::string_view repository)
    : http_(http),
      options_(options),
      repository_(repository),
      endpoint_(without_trailing_slashes(options.endpoint)) {}

Listing HubApi::list(Retry& retry) {
  const std::string url = fmt::format("{}/api/models/{}/revision/{}", endpoint_, escape_path(repository_),
                                      escape_component(options_.revision));
  std::string body;
  const BodySink sink{.begin = [&](const Response&) { body.clear(); },
                      .write =
                          [&](std::string_view bytes) {
                            if (body.size() + bytes.size() > kMaxListingBytes) {
                              throw Error(ErrorCode::bad_format, shown_url(url),
                                          "expected a list of files below 16 MiB, found more.");
                            }
                            body += bytes;
                          }};
  const Response response = retry([&] { return http_.get(url, 0, sink); });
  if (!is_success(response)) {
    throw_status(response, "");
  }
  return read_listing(body, url);
}

RemoteFile HubApi::describe(const std::string& commit, const std::string& name, Retry& retry) {
  RemoteFile file{.name = name,
                  .url = fmt::format("{}/{}/resolve/{}/{}", endpoint_, escape_path(repository_), commit,
                                     escape_path(name)),
                  .etag = {},
                  .size = {}};
  const Response response = retry([&] { return http_.head(file.url); });
  const bool redirected = response.status >= 300 && response.status < 400;
  if (!is_success(response) && !redirected) {
    throw_status(response, name);
  }
  const std::string linked_etag = response.header("x-linked-etag");
  file.etag = bare_etag(linked_etag.empty() ? response.header("etag") : linked_etag);
  if (!is_etag(file.etag)) {
    throw Error(
        ErrorCode::bad_format, shown_url(file.url),
        fmt::format("expected an entity tag, found \"{}\"; is the endpoint a hub?", shown_text(file.etag)));
  }
  if (const std::string found = response.header("x-repo-commit"); !found.empty() && found != commit) {
    throw Error(ErrorCode::bad_format, shown_url(file.url),
                fmt::format("expected a file of commit {}, found one of {}.", commit, shown_text(found)));
  }
  const std::string linked_size = response.header("x-linked-size");
  file.size =
      parse_size(linked_size.empty() && !redirected ? response.header("content-length") : linked_size, file);
  return file;
}

void HubApi::throw_not_found() const {
  throw Error(
      ErrorCode::not_found, repository_,
      fmt::format("expected a model on {}, found none of that name{}; if it is private, {}.",
                  shown_url(endpoint_), nearest_names_hint(repository_),
                  options_.token.empty() ? "a token (HF_TOKEN) is needed" : "the token does not open it"));
}

void HubApi::throw_status(const Response& response, std::string_view what) const {
  const std::string code = response.header("x-error-code");
  const std::string where = what.empty() ? std::string(repository_) : fmt::format("{}/{}", repository_, what);
  const bool from_hub = origin_of(response.url) == origin_of(endpoint_);
  const bool refused = from_hub && (response.status == 401 || response.status == 403);
  if (code == "GatedRepo" && refused) {
    throw Error(
        ErrorCode::network, where,
        fmt::format("the model is gated (status {}): accept its conditions at {}/{} and use a token of "
                    "that account (HF_TOKEN).",
                    response.status, shown_url(endpoint_), repository_));
  }
  if (code == "RevisionNotFound") {
    throw Error(ErrorCode::not_found, where,
                fmt::format("expected revision \"{}\", found no branch, tag or commit of that name.",
                            shown_text(options_.revision)));
  }
  const bool bad_token = response.header("x-error-message").starts_with("Invalid credentials") ||
                         (response.status == 401 && code.empty() && !options_.token.empty());
  if (refused && bad_token) {
    throw Error(
        ErrorCode::network, where,
        fmt::format("{} does not accept the token (status {}): make a new one in its settings, or use "
                    "none for a public model.",
                    shown_url(endpoint_), response.status));
  }
  if (code == "RepoNotFound" || (from_hub && response.status == 401) ||
      (from_hub && response.status == 404 && what.empty())) {
    throw_not_found();
  }
  const ErrorCode kind = response.status == 404 ? ErrorCode::not_found : ErrorCode::network;
  const std::string message = shown_text(response.header("x-error-message"));
  throw Error(kind, where,
              fmt::format("{} answered with status {}{}{}.", shown_url(response.url), response.status,
                          message.empty() ? "" : ": ", message));
}

}  // namespace sotto::hub
