#include "text/languages.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sotto/error.h"
#include "sotto/text.h"
#include "text/edit_distance.h"

namespace sotto::text {
namespace {

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// Codes and names nearest to what was typed, best first.
std::vector<std::string> suggestions(const std::string& typed) {
  constexpr std::size_t kMost = 3;
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const Language& language : kLanguages) {
    ranked.emplace_back(edit_distance(typed, language.name),
                        fmt::format("{} ({})", language.name, language.code));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> best;
  for (std::size_t i = 0; i < kMost; ++i) {
    best.push_back(ranked[i].second);
  }
  return best;
}

}  // namespace

bool is_language_code(std::string_view code) {
  return std::any_of(kLanguages.begin(), kLanguages.end(), [&](const Language& l) { return l.code == code; });
}

std::string language_code(std::string_view name_or_code, std::string_view option) {
  const std::string wanted = lower_ascii(name_or_code);
  for (const Language& language : kLanguages) {
    if (wanted == language.code || wanted == language.name) {
      return std::string(language.code);
    }
  }
  for (const Language& alias : kLanguageAliases) {
    if (wanted == alias.name) {
      return std::string(alias.code);
    }
  }
  throw Error(ErrorCode::invalid_argument, option,
              fmt::format("expected a language Whisper knows, found \"{}\"; did you mean {}?", name_or_code,
                          fmt::join(suggestions(wanted), ", ")));
}

std::string_view language_name(std::string_view code) {
  for (const Language& language : kLanguages) {
    if (code == language.code) {
      return language.name;
    }
  }
  throw Error(ErrorCode::invalid_argument, "language",
              fmt::format("expected a code Whisper has, found \"{}\".", code));
}

}  // namespace sotto::text
