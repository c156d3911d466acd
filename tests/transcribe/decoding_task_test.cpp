#include "transcribe/decoding_task.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "transcribe/golden_rules.h"
#include "transcribe/hash_inference.h"

namespace sotto::transcribe {
namespace {

audio::LogMel window_of(float seek) {
  return {80, audio::kWindowFrames, std::vector<float>(80UL * audio::kWindowFrames, seek)};
}

DecodingTask make_task(const TranscribeOptions& options,
                       const Vocabulary& vocabulary = test::hash_vocabulary()) {
  return {vocabulary, test::hash_dims(), options};
}

DecodingResult decode(test::HashInference& inference,
                      const TranscribeOptions& options,
                      DecodingTask::Run run = {}) {
  run.language = "en";
  return make_task(options).run(inference, run);
}

TEST(DecodingTask, DecodesWhatOpenAiWhisperDecodes) {
  for (const auto& golden : test::golden_rules().at("decoding")) {
    SCOPED_TRACE(golden.at("options").dump() + " window " + golden.at("seek").dump());
    test::HashInference inference;
    inference.encode(window_of(golden.at("seek").get<float>()));
    const auto prompt = golden.at("prompt").get<std::vector<TokenId>>();
    const DecodingResult got =
        decode(inference, test::golden_options(golden.at("options")), {.prompt = prompt});
    const auto& expected = golden.at("result");
    EXPECT_EQ(got.tokens, expected.at("tokens").get<std::vector<TokenId>>());
    EXPECT_EQ(got.text, expected.at("text").get<std::string>());
    EXPECT_NEAR(got.avg_logprob, expected.at("avg_logprob").get<double>(), 1e-5);
    EXPECT_NEAR(got.no_speech_prob, expected.at("no_speech_prob").get<double>(), 1e-6);
    EXPECT_NEAR(got.compression_ratio, expected.at("compression_ratio").get<double>(), 1e-12);
  }
}

TEST(DecodingTask, KeepsTheLastHalfOfALongPrompt) {
  test::HashInference inference;
  inference.encode(window_of(1));
  std::vector<TokenId> prompt(100, 7);
  prompt.back() = 8;
  decode(inference, {}, {.prompt = prompt});
  const std::vector<TokenId>& fed = inference.prompts.at(0);
  ASSERT_EQ(fed.size(), 1U + 31U + 3U);  // <|startofprev|>, n_text_ctx / 2 - 1 tokens, sot, language, task
  EXPECT_EQ(fed[0], 47);
  EXPECT_EQ(fed[31], 8);
  EXPECT_EQ(fed[32], 41);
}

TEST(DecodingTask, ShowsHotwordsBeforeTheTextBefore) {
  test::HashInference inference;
  inference.encode(window_of(1));
  const std::vector<TokenId> prompt(100, 7);
  decode(inference, {.hotwords = "ab"}, {.prompt = prompt});
  const std::vector<TokenId>& fed = inference.prompts.at(0);
  ASSERT_EQ(fed.size(), 1U + 31U + 3U);
  EXPECT_THAT(std::vector<TokenId>(fed.begin(), fed.begin() + 5), testing::ElementsAre(47, 3, 17, 18, 7));
  decode(inference, {.hotwords = std::string(200, 'a')}, {.prompt = prompt});
  EXPECT_EQ(inference.prompts.at(1).size(), 1U + 31U + 3U);
}

TEST(DecodingTask, NeverSaysWhatARegularExpressionMatches) {
  test::HashInference inference;
  inference.encode(window_of(1));
  const DecodingResult free = decode(inference, {});
  ASSERT_NE(free.text.find_first_of("abcdefghijklm"), std::string::npos);
  const DecodingResult got = decode(inference, {.suppress_regex = "[a-m]"});
  EXPECT_EQ(got.text.find_first_of("abcdefghijklm"), std::string::npos);
  test::expect_error([&] { decode(inference, {.suppress_regex = "("}); }, ErrorCode::invalid_argument,
                     "suppress_regex: expected a regular expression, found (");
}

TEST(DecodingTask, WritesNumbersAsWords) {
  Vocabulary vocabulary = test::hash_vocabulary();
  const auto decode_letters = vocabulary.decode;
  vocabulary.decode = [&](std::span<const TokenId> ids) {
    return ids.size() == 1 && ids[0] % 2 == 0 ? std::string("7") : decode_letters(ids);
  };
  test::HashInference inference;
  inference.encode(window_of(1));
  const DecodingResult got =
      make_task({.suppress_numerals = true}, vocabulary).run(inference, {.language = "en"});
  for (const TokenId id : got.tokens) {
    EXPECT_TRUE(id % 2 == 1 || id >= test::kHashTimestamp) << id;
  }
}

TEST(DecodingTask, SaysNoSequenceTwice) {
  test::HashInference inference;
  inference.encode(window_of(1));
  const DecodingResult got = decode(inference, {.no_repeat_ngram_size = 1});
  std::vector<TokenId> text;
  std::copy_if(got.tokens.begin(), got.tokens.end(), std::back_inserter(text),
               [](TokenId id) { return id < test::kHashText; });
  ASSERT_FALSE(text.empty());
  std::sort(text.begin(), text.end());
  EXPECT_EQ(std::adjacent_find(text.begin(), text.end()), text.end());
}

TEST(DecodingTask, OfAnEnglishOnlyModelHasNeitherLanguageNorTask) {
  Vocabulary vocabulary = test::hash_vocabulary();
  vocabulary.is_multilingual = false;
  vocabulary.language_ids.clear();
  test::HashInference inference;
  inference.encode(window_of(1));
  make_task({.without_timestamps = true}, vocabulary).run(inference, {});
  EXPECT_THAT(inference.prompts.at(0), testing::ElementsAre(41, 49));
}

TEST(DecodingTask, SamplesBestOfAndDropsRowsThatEnded) {
  test::HashInference inference;
  inference.encode(window_of(1));
  const DecodingResult result = decode(inference, {.best_of = 4}, {.temperature = 0.6, .seed = 5});
  EXPECT_EQ(result.temperature, 0.6);
  ASSERT_FALSE(inference.n_rows.empty());
  EXPECT_LE(inference.n_rows.front(), 4U);
  EXPECT_TRUE(std::is_sorted(inference.n_rows.rbegin(), inference.n_rows.rend()));
  EXPECT_LT(inference.n_rows.back(), inference.n_rows.front());
}

TEST(DecodingTask, SamplesTheSameForTheSameSeedOnly) {
  const auto sample = [](std::uint64_t seed) {
    test::HashInference inference;
    inference.encode(window_of(1));
    return decode(inference, {}, {.temperature = 1.0, .seed = seed}).tokens;
  };
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
}

TEST(DecodingTask, StopsOnRequest) {
  test::HashInference inference;
  inference.encode(window_of(1));
  std::stop_source stop;
  stop.request_stop();
  test::expect_error([&] { decode(inference, {}, {.stop = stop.get_token()}); }, ErrorCode::cancelled,
                     "stopped");
  EXPECT_TRUE(inference.n_rows.empty());
}

TEST(DecodingTask, RefusesAPrefixThatLeavesNoRoom) {
  test::expect_error([] { make_task({.prefix = std::string(31, 'a')}); }, ErrorCode::invalid_argument,
                     "prefix: expected at most 32 tokens, found 35.");
}

TEST(DecodingTask, RefusesToSuppressWhatIsNotInTheVocabulary) {
  test::expect_error(
      [] { make_task({.suppress_tokens = {-1, 60000}}); }, ErrorCode::invalid_argument,
      "suppress_tokens: expected token ids below 1551, the size of the vocabulary, found 60000.");
}

}  // namespace
}  // namespace sotto::transcribe
