#include "evaluate/accuracy.h"

#include <gtest/gtest.h>

namespace sotto::evaluate {
namespace {

Measurement measurement_of(std::vector<std::pair<std::string, std::string>> texts) {
  Measurement m;
  for (auto& [reference, hypothesis] : texts) {
    m.utterances.push_back({.reference = reference, .hypothesis = hypothesis});
  }
  return m;
}

TEST(CountWords, CountsAfterWhispersNormalization) {
  Measurement m = measurement_of(
      {{"MISTER SMITH'S COLOUR", " Mr. Smith's color!"}, {"ONE TWO THREE", "one, too three four"}});
  count_words(m, {"en", "en"}, Normalizer(std::map<std::string, std::string>{{"colour", "color"}}));
  EXPECT_EQ(m.utterances[0].words.errors(), 0U);
  EXPECT_EQ(m.words.reference_length(),
            m.utterances[0].words.hits + m.utterances[1].words.reference_length());
  EXPECT_GT(m.utterances[1].words.errors(), 0U);
  EXPECT_EQ(m.utterances[0].language, "en");
}

TEST(CountWords, KeepsWordsOfOtherLanguages) {
  Measurement m = measurement_of({{"Mr. Müller won't", "mr müller won't"}});
  count_words(m, {"de"}, Normalizer({}));
  EXPECT_EQ(m.words.errors(), 0U);
  EXPECT_EQ(m.utterances[0].words.hits, 4U);  // mr, müller, won, t: no English contractions
}

TEST(CountWords, OfAnEmptyReferenceCountsInsertionsAndHasNoAccuracy) {
  Measurement m = measurement_of({{"", "you"}});
  count_words(m, {"en"}, Normalizer({}));
  EXPECT_EQ(m.words.insertions, 1U);
  EXPECT_EQ(m.n_empty_references, 1U);
  EXPECT_FALSE(m.word_accuracy_percent());
}

TEST(CountWords, OfAModelThatSaysNothingIsZeroPercent) {
  Measurement m = measurement_of({{"hello there", ""}});
  count_words(m, {"en"}, Normalizer({}));
  EXPECT_EQ(m.words.deletions, 2U);
  EXPECT_DOUBLE_EQ(*m.word_accuracy_percent(), 0.0);
}

TEST(CountWords, CountsAfreshWhenCalledAgain) {
  Measurement m = measurement_of({{"one", "one"}});
  count_words(m, {"en"}, Normalizer({}));
  count_words(m, {"en"}, Normalizer({}));
  EXPECT_EQ(m.words.hits, 1U);
}

TEST(TextLanguage, IsEnglishForTranslations) {
  transcribe::TranscribeOptions options;
  EXPECT_EQ(text_language(options, "fr"), "fr");
  options.language = "German";
  EXPECT_EQ(text_language(options, "fr"), "de");
  options.task = transcribe::Task::translate;
  EXPECT_EQ(text_language(options, "de"), "en");
}

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoMiddleValues) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2.0);
  EXPECT_DOUBLE_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_DOUBLE_EQ(median({7}), 7.0);
  EXPECT_DOUBLE_EQ(median({}), 0.0);
}

}  // namespace
}  // namespace sotto::evaluate
