#include "cli/hub_environment.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  /// The first of the variables that is set, or "".
  std::string first(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      if (std::optional<std::string> value = environment_(name); value && !value->empty()) {
        return *std::move(value);
      }
    }
    return {};
  }

  bool is_on(std::initializer_list<const char*> names) const {
    std::string value = first(names);
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
  }

  double seconds(const char* name, double fallback) const {
    const std::string value = first({name});
    if (value.empty()) {
      return fallback;
    }
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error != std::errc() || end != value.data() + value.size() || seconds == 0) {
      throw Error(ErrorCode::invalid_argument, name,
                  fmt::format("expected a whole number of seconds, found \"{}\".", value));
    }
    return seconds;
  }

  /// A leading "~" and $NAME or ${NAME} replaced; a name that is not set stays as it is (os.path.expandvars).
  fs::path expanded(const std::string& path) const {
    std::string text = path;
    if (text == "~" || text.starts_with("~/")) {
      text = home() + text.substr(1);
    }
    std::string result;
    std::size_t i = 0;
    while (i < text.size()) {
      const std::size_t n = variable_length(text, i);
      const bool braced = n > 0 && text[i + 1] == '{';
      const std::optional<std::string> value =
          n > 0 ? environment_(text.substr(i + (braced ? 2 : 1), n - (braced ? 3 : 1))) : std::nullopt;
      result += value ? *value : text.substr(i, std::max<std::size_t>(n, 1));
      i += std::max<std::size_t>(n, 1);
    }
    return result;
  }

 private:
  std::string home() const {
    const std::string home = first({"HOME"});
    if (home.empty()) {
      throw Error(ErrorCode::invalid_argument, "HOME",
                  "expected a home directory; set HF_HOME to where models may be kept.");
    }
    return home;
  }

  /// Length of "$NAME" or "${NAME}" at `i`, 0 if there is none.
  static std::size_t variable_length(const std::string& text, std::size_t i) {
    if (text[i] != '$') {
      return 0;
    }
    if (text.compare(i + 1, 1, "{") == 0) {
      const std::size_t end = text.find('}', i);
      return end == std::string::npos ? 0 : end - i + 1;
    }
    constexpr const char* kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const std::size_t end = std::min(text.find_first_not_of(kNameLetters, i + 1), text.size());
    return end > i + 1 ? end - i : 0;
  }

  const Environment& environment_;
};

fs::path hub_home(const Variables& variables) {
  if (const std::string home = variables.first({"HF_HOME"}); !home.empty()) {
    return variables.expanded(home);
  }
  const std::string xdg = variables.first({"XDG_CACHE_HOME"});
  return variables.expanded(xdg.empty() ? "~/.cache" : xdg) / "huggingface";
}

/// The token without line ends and surrounding spaces, as huggingface_hub's _clean_token.
std::string clean(std::string token) {
  std::erase_if(token, [](char c) { return c == '\r' || c == '\n'; });
  const std::size_t first = token.find_first_not_of(" \t");
  return first == std::string::npos ? "" : token.substr(first, token.find_last_not_of(" \t") - first + 1);
}

std::string read_token(const Variables& variables) {
  if (variables.is_on({"HF_HUB_DISABLE_IMPLICIT_TOKEN"})) {
    return {};
  }
  if (std::string token = clean(variables.first({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})); !token.empty()) {
    return token;
  }
  const std::string named = variables.first({"HF_TOKEN_PATH"});
  const fs::path path = named.empty() ? hub_home(variables) / "token" : variables.expanded(named);
  std::error_code error;
  if (!fs::exists(path, error)) {
    return {};
  }
  std::ifstream in(path, std::ios::binary);
  if (!in || !fs::is_regular_file(path, error)) {
    throw Error(ErrorCode::io, path.string(), "the token cannot be read.");
  }
  return clean({std::istreambuf_iterator<char>(in), {}});
}

fs::path find_cache(const Variables& variables) {
  const std::string named = variables.first({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  return named.empty() ? hub_home(variables) / "hub" : variables.expanded(named);
}

void set_transport(const Variables& variables, const std::string& url, hub::HubOptions& options) {
  options.proxy = url.starts_with("http:")
                      ? variables.first({"http_proxy", "all_proxy", "ALL_PROXY"})
                      : variables.first({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  options.no_proxy = variables.first({"no_proxy", "NO_PROXY"});
  options.ca_bundle = variables.first({"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"});
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

hub::HubOptions hub_options(const Environment& environment) {
  const Variables variables(environment);
  hub::HubOptions options;
  if (std::string endpoint = variables.first({"HF_ENDPOINT"}); !endpoint.empty()) {
    options.endpoint = std::move(endpoint);
  }
  options.cache = find_cache(variables);
  options.token = read_token(variables);
  options.offline = variables.is_on({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"});
  options.connect_timeout_s = variables.seconds("HF_HUB_ETAG_TIMEOUT", options.connect_timeout_s);
  options.stall_timeout_s = variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT", options.stall_timeout_s);
  set_transport(variables, options.endpoint, options);
  return options;
}

hub::HubOptions media_transport(const std::string& url, const Environment& environment) {
  hub::HubOptions options;
  set_transport(Variables(environment), url, options);
  return options;
}

}  // namespace sotto::cli
