#pragma once

#include <map>
#include <string>

#include "transcribe/inference.h"
#include "transcribe/vocabulary.h"

namespace sotto::transcribe {

/// Probability of each language of the vocabulary in the window that `inference` encoded last; they sum to
/// 1. Source: openai/whisper 20250625, decoding.py, detect_language.
std::map<std::string, double> language_probabilities(Inference& inference, const Vocabulary& vocabulary);

/// The likeliest of them. Throws Error(invalid_argument) for an empty map.
std::string likeliest_language(const std::map<std::string, double>& probabilities);

/// The code of `language` (a code or name, not "auto") if the vocabulary has it; "en" where the model is
/// English-only. Throws Error(invalid_argument) telling the languages there are.
std::string resolve_language(const std::string& language, const Vocabulary& vocabulary);

}  // namespace sotto::transcribe
