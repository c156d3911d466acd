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

std::map<std::string, double> language_probabilities(Inference& inference, const Vocabulary& vocabulary) {
  const std::vector<TokenId> prompt = {vocabulary.sot};
  const std::span<const float> logits = inference.start(prompt, 0).next[0];
  std::vector<float> of_languages;
  for (const auto& [code, id] : vocabulary.language_ids) {
    of_languages.push_back(logits[static_cast<std::size_t>(id)]);
  }
  const float normaliser = checked_log_sum_exp(of_languages);
  std::map<std::string, double> probabilities;
  for (const auto& [code, id] : vocabulary.language_ids) {
    probabilities[code] = std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)] - normaliser));
  }
  return probabilities;
}

std::string likeliest_language(const std::map<std::string, double>& probabilities) {
  if (probabilities.empty()) {
    throw Error(ErrorCode::invalid_argument, "language",
                "this model hears one language only, there is none to detect.");
  }
  const auto by_probability = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(probabilities.begin(), probabilities.end(), by_probability)->first;
}

std::string resolve_language(const std::string& language, const Vocabulary& vocabulary) {
  const std::string code = text::language_code(language);
  if (!vocabulary.is_multilingual) {
    if (code != "en") {
      throw Error(ErrorCode::invalid_argument, "language",
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
        ErrorCode::invalid_argument, "language",
        fmt::format("expected a language of this model ({}), found {}.", fmt::join(known, ", "), language));
  }
  return code;
}

}  // namespace sotto::transcribe
