#include "hub/names.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/url.h"
#include "sotto/error.h"
#include "sotto/hub.h"

namespace sotto::hub {
namespace {

constexpr std::size_t kMaxRepositoryLength = 96;
constexpr std::size_t kMaxPathLength = 1024;
constexpr std::size_t kMaxComponentLength = 255;
constexpr std::size_t kMaxNearest = 3;

struct PlainName {
  std::string_view plain;
  std::string_view repository;
};
/// openai-whisper's names (whisper/__init__.py, _MODELS) and distil-whisper's, and where the hub has them.
constexpr std::array kPlainNames = {
    PlainName{"tiny", "openai/whisper-tiny"},
    PlainName{"tiny.en", "openai/whisper-tiny.en"},
    PlainName{"base", "openai/whisper-base"},
    PlainName{"base.en", "openai/whisper-base.en"},
    PlainName{"small", "openai/whisper-small"},
    PlainName{"small.en", "openai/whisper-small.en"},
    PlainName{"medium", "openai/whisper-medium"},
    PlainName{"medium.en", "openai/whisper-medium.en"},
    PlainName{"large", "openai/whisper-large-v3"},
    PlainName{"large-v1", "openai/whisper-large"},
    PlainName{"large-v2", "openai/whisper-large-v2"},
    PlainName{"large-v3", "openai/whisper-large-v3"},
    PlainName{"turbo", "openai/whisper-large-v3-turbo"},
    PlainName{"large-v3-turbo", "openai/whisper-large-v3-turbo"},
    PlainName{"distil-small.en", "distil-whisper/distil-small.en"},
    PlainName{"distil-medium.en", "distil-whisper/distil-medium.en"},
    PlainName{"distil-large-v2", "distil-whisper/distil-large-v2"},
    PlainName{"distil-large-v3", "distil-whisper/distil-large-v3"},
    PlainName{"distil-large-v3.5", "distil-whisper/distil-large-v3.5"},
};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_component(std::string_view text) {
  const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  const auto edge = [](char c) { return is_alphanumeric(c) || c == '_'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed) && edge(text.front()) &&
         edge(text.back());
}

bool is_safe_component(std::string_view text) {
  const auto harmful = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
  return !text.empty() && text.size() <= kMaxComponentLength && text != "." && text != ".." &&
         std::none_of(text.begin(), text.end(), harmful);
}

/// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void check_repository(std::string_view name) {
  const std::size_t slash = name.find('/');
  const bool valid = name.size() <= kMaxRepositoryLength && slash != std::string_view::npos &&
                     is_name_component(name.substr(0, slash)) && is_name_component(name.substr(slash + 1)) &&
                     name.find("--") == std::string_view::npos && name.find("..") == std::string_view::npos &&
                     !name.ends_with(".git");
  if (!valid) {
    throw Error(ErrorCode::invalid_argument, shown_text(name),
                "expected a hub's model name like openai/whisper-base.");
  }
}

void check_revision(std::string_view revision) {
  if (!is_safe_path(revision)) {
    throw Error(ErrorCode::invalid_argument, "revision",
                fmt::format("expected a branch, tag or commit, found \"{}\".", shown_text(revision)));
  }
}

bool is_safe_path(std::string_view path) {
  if (path.size() > kMaxPathLength) {
    return false;
  }
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    if (!is_safe_component(path.substr(0, slash))) {
      return false;
    }
    path.remove_prefix(slash + 1);
  }
  return is_safe_component(path);
}

std::string nearest_names_hint(std::string_view name) {
  if (name.size() > kMaxRepositoryLength) {
    return {};
  }
  const bool of_hub = name.find('/') != std::string_view::npos;
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const PlainName& known : kPlainNames) {
    const std::string_view candidate = of_hub ? known.repository : known.plain;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance <= std::max<std::size_t>(name.size() / 3, 2)) {
      ranked.emplace_back(distance, candidate);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string_view> nearest;
  for (const auto& [distance, candidate] : ranked) {
    if (nearest.size() < kMaxNearest &&
        std::find(nearest.begin(), nearest.end(), candidate) == nearest.end()) {
      nearest.push_back(candidate);
    }
  }
  return nearest.empty() ? std::string() : fmt::format(", nearest names: {}", fmt::join(nearest, ", "));
}

std::string repository_of(std::string_view name) {
  constexpr std::string_view kPrefix = "whisper-";
  if (name.find('/') != std::string_view::npos) {
    check_repository(name);
    return std::string(name);
  }
  const std::string_view plain = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
  for (const PlainName& known : kPlainNames) {
    if (known.plain == plain) {
      return std::string(known.repository);
    }
  }
  if (plain.starts_with("distil-") && is_name_component(plain)) {
    return fmt::format("distil-whisper/{}", plain);
  }
  const std::string hint = nearest_names_hint(plain);
  throw Error(ErrorCode::not_found, shown_text(name),
              fmt::format("expected a directory, a hub's name like openai/whisper-base or a plain one like "
                          "base{}.",
                          hint.empty() ? ", found none of them" : hint));
}

}  // namespace sotto::hub
