#pragma once

#include <map>
#include <string>
#include <string_view>

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

/// Fills words and language of each result, and the totals of `measurement`, from the texts as they stand;
/// `languages` holds one code for each utterance.
void count_words(Measurement& measurement,
                 const std::vector<std::string>& languages,
                 const Normalizer& normalize);

/// The middle value, the mean of the two middle ones for an even number, 0 for none.
double median(std::vector<double> values);

}  // namespace sotto::evaluate
