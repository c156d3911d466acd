#include "transcribe/language.h"

#include <cmath>
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
  EXPECT_EQ(likeliest_language(got), "de");
}

TEST(ResolveLanguage, TakesCodesAndNames) {
  EXPECT_EQ(resolve_language("de", test::hash_vocabulary()), "de");
  EXPECT_EQ(resolve_language("German", test::hash_vocabulary()), "de");
}

TEST(ResolveLanguage, NamesTheLanguagesOfTheModel) {
  test::expect_error([] { resolve_language("fr", test::hash_vocabulary()); }, ErrorCode::invalid_argument,
                     "expected a language of this model (de, en), found fr.");
}

TEST(ResolveLanguage, OfAnEnglishOnlyModelIsEnglish) {
  Vocabulary vocabulary = test::hash_vocabulary();
  vocabulary.is_multilingual = false;
  EXPECT_EQ(resolve_language("English", vocabulary), "en");
  test::expect_error([&] { resolve_language("de", vocabulary); }, ErrorCode::invalid_argument, "expected en");
}

}  // namespace
}  // namespace sotto::transcribe
