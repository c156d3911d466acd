#include "evaluate/accuracy.h"

#include <gtest/gtest.h>

namespace sotto::evaluate {
namespace {

Measurement measurement_of(const std::vector<std::pair<std::string, std::string>>& texts,
                           const std::string& language = "en",
                           const Normalizer& normalize = Normalizer({})) {
  std::vector<Measurement> models(1);
  for (const auto& [reference, hypothesis] : texts) {
    UtteranceResult result = {.reference = reference, .hypothesis = hypothesis, .language = language};
    count_errors(result, normalize);
    models[0].utterances.push_back(result);
  }
  sum_up(models);
  return models[0];
}

TEST(CountErrors, CountsAfterWhispersNormalization) {
  const Measurement m = measurement_of(
      {{"MISTER SMITH'S COLOUR", " Mr. Smith's color!"}, {"ONE TWO THREE", "one, too three four"}}, "en",
      Normalizer(std::map<std::string, std::string>{{"colour", "color"}}));
  EXPECT_EQ(m.utterances[0].words.errors(), 0U);
  EXPECT_EQ(m.utterances[0].characters.errors(), 0U);
  EXPECT_EQ(m.words.reference_length(),
            m.utterances[0].words.hits + m.utterances[1].words.reference_length());
  EXPECT_GT(m.utterances[1].words.errors(), 0U);
  EXPECT_EQ(m.characters.errors(), m.utterances[1].characters.errors());
}

TEST(CountErrors, KeepsWordsOfOtherLanguages) {
  const Measurement m = measurement_of({{"Mr. Müller won't", "mr müller won't"}}, "de");
  EXPECT_EQ(m.words.errors(), 0U);
  EXPECT_EQ(m.utterances[0].words.hits, 4U);  // mr, müller, won, t: no English contractions
}

TEST(SumUp, CountsInsertionsOfAnEmptyReferenceAndGivesNoAccuracy) {
  const Measurement m = measurement_of({{"", "you"}});
  EXPECT_EQ(m.words.insertions, 1U);
  EXPECT_EQ(m.n_empty_references, 1U);
  EXPECT_FALSE(m.word_accuracy_percent());
  EXPECT_FALSE(m.word_accuracy_interval);
}

TEST(SumUp, GivesAModelThatSaysNothingZeroPercent) {
  const Measurement m = measurement_of({{"hello there", ""}, {"", ""}});
  EXPECT_EQ(m.words.deletions, 2U);
  EXPECT_EQ(m.n_empty_hypotheses, 1U);
  EXPECT_DOUBLE_EQ(*m.word_accuracy_percent(), 0.0);
}

TEST(WordsApart, AreCountedAfterNormalization) {
  const Measurement m = measurement_of({{"", "One, colour."}, {"", "1 color"}, {"", "ONE COLOUR"}});
  EXPECT_EQ(words_apart(m.utterances[0], m.utterances[2]), 0U);
  EXPECT_EQ(words_apart(m.utterances[0], m.utterances[1]), 1U);
}

TEST(TextLanguage, IsEnglishForTranslations) {
  transcribe::TranscribeOptions options;
  EXPECT_EQ(text_language(options, "fr"), "fr");
  options.language = "German";
  EXPECT_EQ(text_language(options, "fr"), "de");
  options.task = transcribe::Task::translate;
  EXPECT_EQ(text_language(options, "de"), "en");
}

}  // namespace
}  // namespace sotto::evaluate
