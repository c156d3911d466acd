#include "evaluate/accuracy.h"

#include <algorithm>
#include <cstddef>

namespace sotto::evaluate {

std::string Normalizer::operator()(std::string_view text, std::string_view language) const {
  return language == "en" ? english_(text) : text::normalize_basic(text);
}

std::string text_language(const transcribe::TranscribeOptions& options, const std::string& heard) {
  if (options.task == transcribe::Task::translate) {
    return "en";
  }
  return options.language == transcribe::kAutoLanguage ? heard : text::language_code(options.language);
}

void count_words(Measurement& measurement,
                 const std::vector<std::string>& languages,
                 const Normalizer& normalize) {
  measurement.words = {};
  measurement.n_empty_references = 0;
  for (std::size_t i = 0; i < measurement.utterances.size(); ++i) {
    UtteranceResult& result = measurement.utterances[i];
    result.language = languages.at(i);
    result.words = text::word_errors(normalize(result.reference, result.language),
                                     normalize(result.hypothesis, result.language));
    measurement.words += result.words;
    measurement.n_empty_references += result.words.reference_length() == 0 ? 1 : 0;
  }
}

double median(std::vector<double> values) {
  if (values.empty()) {
    return 0.0;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) {
    return *middle;
  }
  return (*std::max_element(values.begin(), middle) + *middle) / 2.0;
}

std::optional<double> Measurement::word_accuracy_percent() const {
  const std::optional<double> rate = words.rate();
  return rate ? std::optional(100.0 * (1.0 - *rate)) : std::nullopt;
}

}  // namespace sotto::evaluate
