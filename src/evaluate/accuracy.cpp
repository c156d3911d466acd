#include "evaluate/accuracy.h"

#include "evaluate/bootstrap.h"

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

void count_errors(UtteranceResult& result, const Normalizer& normalize) {
  result.reference_words = normalize(result.reference, result.language);
  result.hypothesis_words = normalize(result.hypothesis, result.language);
  result.words = text::word_errors(result.reference_words, result.hypothesis_words);
  result.characters = text::character_errors(result.reference_words, result.hypothesis_words);
  result.chrf = text::chrf_counts(result.reference, result.hypothesis);
}

std::size_t words_apart(const UtteranceResult& first, const UtteranceResult& other) {
  return text::word_errors(first.hypothesis_words, other.hypothesis_words).errors();
}

namespace {

/// True where nothing was heard in an utterance with words.
bool heard_nothing(const text::ErrorCounts& words) {
  return words.reference_length() > 0 && words.hits + words.substitutions + words.insertions == 0;
}

void add_totals(Measurement& model) {
  for (const UtteranceResult& result : model.utterances) {
    model.words += result.words;
    model.characters += result.characters;
    model.chrf += result.chrf;
    model.audio_s += result.audio_s;
    model.transcription_total_s += result.transcription_s;
    model.n_empty_references += result.words.reference_length() == 0 ? 1 : 0;
    model.n_empty_hypotheses += heard_nothing(result.words) ? 1 : 0;
  }
  if (!model.utterances.empty()) {
    model.transcription_mean_s = model.transcription_total_s / static_cast<double>(model.utterances.size());
  }
}

}  // namespace

void sum_up(std::vector<Measurement>& models) {
  for (Measurement& model : models) {
    add_totals(model);
    model.word_accuracy_interval = accuracy_interval(model);
    model.chrf_interval = chrf_interval(model);
    if (&model != &models.front()) {
      model.drop = accuracy_drop(models.front(), model);
    }
  }
}

std::optional<double> Measurement::word_accuracy_percent() const {
  const std::optional<double> rate = words.rate();
  return rate ? std::optional(100.0 * (1.0 - *rate)) : std::nullopt;
}

}  // namespace sotto::evaluate
