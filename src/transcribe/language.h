#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sotto/transcribe.h"
#include "transcribe/inference.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Code → probability.
using LanguageProbabilities = std::map<std::string, double>;

/// Probability of each language of the vocabulary, or of those among `only` if that names any, in the window
/// that `inference` encoded last; they sum to 1. Throws Error(invalid_argument) for a language of `only` that
/// the vocabulary lacks. Source: openai/whisper 20250625, decoding.py, detect_language.
LanguageProbabilities language_probabilities(Inference& inference,
                                             const Vocabulary& vocabulary,
                                             const std::vector<std::string>& only = {});

/// The same of the logits behind <|startoftranscript|>.
LanguageProbabilities language_probabilities(std::span<const float> logits,
                                             const Vocabulary& vocabulary,
                                             const std::vector<std::string>& only);

struct HeardLanguage {
  std::string code;
  double probability = 0.0;
};

/// The likeliest of them. Throws Error(invalid_argument) for an empty map.
HeardLanguage likeliest_language(const LanguageProbabilities& probabilities);

/// Hears up to n_windows windows until one is surer than `threshold`; of unsure ones, the language that most
/// of them find likeliest, the first among equals. `listen(i)` is nullopt behind the end.
/// Source: SYSTRAN/faster-whisper 1.2.1, transcribe.py, detect_language.
HeardLanguage vote_language(const std::function<std::optional<LanguageProbabilities>(std::size_t i)>& listen,
                            std::size_t n_windows,
                            double threshold);

/// What is spoken in a window after one in `current` (empty: the first): another language only if it is
/// likelier than `threshold`.
std::string next_language(const std::string& current,
                          const LanguageProbabilities& probabilities,
                          double threshold);

/// The language of the segments that last longest together; empty without segments.
std::string main_language(const std::vector<Segment>& segments);

/// The code of `language` (a code or name, not "auto") if the vocabulary has it; "en" where the model is
/// English-only. Throws Error(invalid_argument) telling the languages there are; `option` is where it was
/// found.
std::string resolve_language(const std::string& language,
                             const Vocabulary& vocabulary,
                             std::string_view option = "language");

}  // namespace sotto::transcribe
