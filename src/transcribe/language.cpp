#include "transcribe/language.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sotto/error.h"
#include "sotto/transcribe.h"

namespace sotto::transcribe {

namespace {

/// The languages auto chooses among.
std::map<std::string, TokenId> candidates(const Vocabulary& vocabulary,
                                          const std::vector<std::string>& only) {
  if (only.empty()) {
    return vocabulary.language_ids;
  }
  std::map<std::string, TokenId> chosen;
  for (const std::string& language : only) {
    const std::string code = resolve_language(language, vocabulary, "languages");
    chosen[code] = vocabulary.language_ids.at(code);
  }
  return chosen;
}

const auto by_value = [](const auto& a, const auto& b) { return a.second < b.second; };

}  // namespace

LanguageProbabilities language_probabilities(Inference& inference,
                                             const Vocabulary& vocabulary,
                                             const std::vector<std::string>& only) {
  const std::vector<TokenId> prompt = {vocabulary.sot};
  return language_probabilities(inference.start(prompt, 0).next[0], vocabulary, only);
}

LanguageProbabilities language_probabilities(std::span<const float> logits,
                                             const Vocabulary& vocabulary,
                                             const std::vector<std::string>& only) {
  const std::map<std::string, TokenId> language_ids = candidates(vocabulary, only);
  std::vector<float> of_languages;
  for (const auto& [code, id] : language_ids) {
    of_languages.push_back(logits[static_cast<std::size_t>(id)]);
  }
  const float normaliser = checked_log_sum_exp(of_languages);
  LanguageProbabilities probabilities;
  for (const auto& [code, id] : language_ids) {
    probabilities[code] = std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)] - normaliser));
  }
  return probabilities;
}

HeardLanguage likeliest_language(const LanguageProbabilities& probabilities) {
  if (probabilities.empty()) {
    throw Error(ErrorCode::invalid_argument, "language",
                "this model hears one language only, there is none to detect.");
  }
  const auto found = std::max_element(probabilities.begin(), probabilities.end(), by_value);
  return {found->first, found->second};
}

HeardLanguage vote_language(const std::function<std::optional<LanguageProbabilities>(std::size_t i)>& listen,
                            std::size_t n_windows,
                            double threshold) {
  std::vector<HeardLanguage> unsure;
  for (std::size_t i = 0; i < n_windows; ++i) {
    const std::optional<LanguageProbabilities> probabilities = listen(i);
    if (!probabilities) {
      break;
    }
    unsure.push_back(likeliest_language(*probabilities));
    if (unsure.back().probability > threshold) {
      return unsure.back();
    }
  }
  const auto n_votes = [&](const HeardLanguage& heard) {
    return std::count_if(unsure.begin(), unsure.end(),
                         [&](const HeardLanguage& other) { return other.code == heard.code; });
  };
  HeardLanguage winner = *std::max_element(
      unsure.begin(), unsure.end(),
      [&](const HeardLanguage& a, const HeardLanguage& b) { return n_votes(a) < n_votes(b); });
  for (const HeardLanguage& heard : unsure) {
    if (heard.code == winner.code) {
      winner.probability = std::max(winner.probability, heard.probability);
    }
  }
  return winner;
}

std::string next_language(const std::string& current,
                          const LanguageProbabilities& probabilities,
                          double threshold) {
  const HeardLanguage heard = likeliest_language(probabilities);
  return current.empty() || heard.probability > threshold ? heard.code : current;
}

std::string main_language(const std::vector<Segment>& segments) {
  std::map<std::string, double> lasting_s;
  for (const Segment& segment : segments) {
    lasting_s[segment.language] += segment.end_s - segment.start_s;
  }
  const auto longest = std::max_element(lasting_s.begin(), lasting_s.end(), by_value);
  return longest == lasting_s.end() ? "" : longest->first;
}

std::string resolve_language(const std::string& language,
                             const Vocabulary& vocabulary,
                             std::string_view option) {
  const std::string code = text::language_code(language, option);
  if (!vocabulary.is_multilingual) {
    if (code != "en") {
      throw Error(ErrorCode::invalid_argument, option,
                  fmt::format("expected en, the only language of this model, found {}.", language));
    }
    return code;
  }
  if (!vocabulary.language_ids.contains(code)) {
    std::vector<std::string> known;
    for (const auto& [name, id] : vocabulary.language_ids) {
      known.push_back(name);
    }
    throw Error(
        ErrorCode::invalid_argument, option,
        fmt::format("expected a language of this model ({}), found {}.", fmt::join(known, ", "), language));
  }
  return code;
}

}  // namespace sotto::transcribe
