#include "transcribe/word_tokens.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/json_file.h"
#include "support/temp_dir.h"

namespace sotto::transcribe {
namespace {

TEST(SplitToWordTokens, SplitsAsOpenAiWhisperDoes) {
  const std::filesystem::path tiny = test::source_dir() / "tests" / "golden" / "transcribe" / "tiny";
  const Vocabulary vocabulary = make_vocabulary(text::Tokenizer::load(tiny), true);
  const nlohmann::json goldens = read_json_object(tiny / "golden.json");
  for (const auto& golden : goldens.at("splits")) {
    const auto tokens = golden.at("tokens").get<std::vector<TokenId>>();
    std::vector<std::string> words;
    std::vector<std::vector<TokenId>> word_tokens;
    for (const WordTokens& word :
         split_to_word_tokens(tokens, vocabulary, golden.at("language").get<std::string>())) {
      words.push_back(word.word);
      word_tokens.push_back(word.tokens);
    }
    EXPECT_EQ(words, golden.at("words").get<std::vector<std::string>>());
    EXPECT_EQ(word_tokens, golden.at("word_tokens").get<std::vector<std::vector<TokenId>>>());
  }
}

}  // namespace
}  // namespace sotto::transcribe
