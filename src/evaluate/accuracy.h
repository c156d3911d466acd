#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sotto/evaluate.h"

namespace sotto::evaluate {

/// Whisper's normalization of a text in a language: the English one for "en", else the basic one.
class Normalizer {
 public:
  explicit Normalizer(std::map<std::string, std::string> spelling) : english_(std::move(spelling)) {}
  std::string operator()(std::string_view text, std::string_view language) const;

 private:
  text::EnglishNormalizer english_;
};

/// Language code of the text a transcription gives: English for a translation, else as asked for or, where
/// that is automatic, `heard`.
std::string text_language(const transcribe::TranscribeOptions& options, const std::string& heard);

/// Fills what is counted of a result from its texts and language.
void count_errors(UtteranceResult& result, const Normalizer& normalize);

/// Words in which two counted hypotheses of an utterance differ.
std::size_t words_apart(const UtteranceResult& first, const UtteranceResult& other);

/// Fills each model's totals, intervals and drop against the first one from its utterances.
void sum_up(std::vector<Measurement>& models);

}  // namespace sotto::evaluate
