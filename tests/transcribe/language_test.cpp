#include "transcribe/language.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "transcribe/hash_inference.h"

namespace sotto::transcribe {
namespace {

/// Logits id by id, whatever is asked.
class FixedInference final : public Inference {
 public:
  explicit FixedInference(std::vector<float> logits) : logits_(std::move(logits)) {}
  void encode(const audio::LogMel&) override {}
  PromptLogits start(std::span<const TokenId> prompt, std::size_t) override {
    prompt_.assign(prompt.begin(), prompt.end());
    return {{logits_, logits_.size()}, logits_};
  }
  LogitRows step(std::span<const TokenId>, std::span<const std::int32_t>) override {
    return {logits_, logits_.size()};
  }
  const std::vector<TokenId>& prompt() const { return prompt_; }

 private:
  std::vector<float> logits_;
  std::vector<TokenId> prompt_;
};

TEST(LanguageProbabilities, IsASoftmaxOverTheLanguageTokensOnly) {
  std::vector<float> logits(test::kHashVocabulary, 9.0F);
  logits[42] = 1.0F;  // en
  logits[43] = 3.0F;  // de
  FixedInference inference(logits);
  const auto got = language_probabilities(inference, test::hash_vocabulary());
  EXPECT_EQ(inference.prompt(), std::vector<TokenId>{41});
  ASSERT_EQ(got.size(), 2U);
  EXPECT_NEAR(got.at("de"), 1.0 / (1.0 + std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(got.at("en") + got.at("de"), 1.0, 1e-6);
  EXPECT_EQ(likeliest_language(got).code, "de");
  EXPECT_NEAR(likeliest_language(got).probability, got.at("de"), 1e-12);
}

TEST(LanguageProbabilities, ChoosesAmongThoseAskedFor) {
  std::vector<float> logits(test::kHashVocabulary, 0.0F);
  logits[43] = 5.0F;  // de
  FixedInference inference(logits);
  const auto got = language_probabilities(inference, test::hash_vocabulary(), {"English"});
  EXPECT_EQ(got, (LanguageProbabilities{{"en", 1.0}}));
  test::expect_error([&] { language_probabilities(inference, test::hash_vocabulary(), {"fr"}); },
                     ErrorCode::invalid_argument, "expected a language of this model (de, en), found fr.");
}

/// Votes over windows in which "de" has these probabilities and "en" the rest.
HeardLanguage vote(const std::vector<double>& german, double threshold, std::size_t n_windows = 20) {
  return vote_language(
      [&](std::size_t i) -> std::optional<LanguageProbabilities> {
        if (i >= german.size()) {
          return std::nullopt;
        }
        return LanguageProbabilities{{"de", german[i]}, {"en", 1.0 - german[i]}};
      },
      n_windows, threshold);
}

TEST(VoteLanguage, TakesTheFirstSureWindow) {
  EXPECT_EQ(vote({0.3, 0.95, 0.01}, 0.9).code, "de");
  EXPECT_EQ(vote({0.3, 0.95}, 0.6).code, "en");
  EXPECT_NEAR(vote({0.3, 0.95}, 0.6).probability, 0.7, 1e-12);
}

TEST(VoteLanguage, CountsTheVotesOfUnsureWindows) {
  EXPECT_EQ(vote({0.3, 0.6, 0.7}, 0.9).code, "de");
  EXPECT_NEAR(vote({0.3, 0.6, 0.7}, 0.9).probability, 0.7, 1e-12);
  EXPECT_EQ(vote({0.3, 0.6, 0.7}, 0.9, 2).code, "en") << "the first among equals";
  EXPECT_EQ(vote({0.3}, 0.9).code, "en");
}

TEST(NextLanguage, ChangesOnlyWhereAnotherIsSure) {
  EXPECT_EQ(next_language("", {{"de", 0.4}, {"en", 0.3}, {"fr", 0.3}}, 0.5), "de");
  EXPECT_EQ(next_language("en", {{"de", 0.4}, {"en", 0.3}, {"fr", 0.3}}, 0.5), "en");
  EXPECT_EQ(next_language("en", {{"de", 0.6}, {"en", 0.4}}, 0.5), "de");
  EXPECT_EQ(next_language("en", {{"de", 0.1}, {"en", 0.9}}, 0.5), "en");
}

TEST(MainLanguage, IsTheOneSpokenLongest) {
  EXPECT_EQ(main_language({}), "");
  std::vector<Segment> segments(3);
  segments[0].end_s = 5.0;
  segments[0].language = "en";
  segments[1].end_s = 4.0;
  segments[1].language = "de";
  segments[2].end_s = 2.0;
  segments[2].language = "de";
  EXPECT_EQ(main_language(segments), "de");
}

TEST(ResolveLanguage, TakesCodesAndNames) {
  EXPECT_EQ(resolve_language("de", test::hash_vocabulary()), "de");
  EXPECT_EQ(resolve_language("German", test::hash_vocabulary()), "de");
}

TEST(ResolveLanguage, NamesTheLanguagesOfTheModel) {
  test::expect_error([] { resolve_language("fr", test::hash_vocabulary()); }, ErrorCode::invalid_argument,
                     "language: expected a language of this model (de, en), found fr.");
  test::expect_error([] { resolve_language("fr", test::hash_vocabulary(), "languages"); },
                     ErrorCode::invalid_argument, "languages: expected a language of this model");
}

TEST(ResolveLanguage, OfAnEnglishOnlyModelIsEnglish) {
  Vocabulary vocabulary = test::hash_vocabulary();
  vocabulary.is_multilingual = false;
  EXPECT_EQ(resolve_language("English", vocabulary), "en");
  test::expect_error([&] { resolve_language("de", vocabulary); }, ErrorCode::invalid_argument, "expected en");
}

}  // namespace
}  // namespace sotto::transcribe
