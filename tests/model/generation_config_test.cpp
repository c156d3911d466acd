#include "model/generation_config.h"

#include <algorithm>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "model/sources/vocabulary.h"
#include "sotto/model.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

using nlohmann::json;

const json kConfig = {{"vocab_size", 120},
                      {"d_model", 16},
                      {"num_mel_bins", 80},
                      {"max_source_positions", 1500},
                      {"max_target_positions", 448},
                      {"encoder_layers", 2},
                      {"encoder_attention_heads", 2},
                      {"encoder_ffn_dim", 64},
                      {"decoder_layers", 3},
                      {"decoder_attention_heads", 2},
                      {"decoder_ffn_dim", 64}};
const json kTokens = {
    {"<|endoftext|>", 100}, {"<|startoftranscript|>", 101}, {"<|en|>", 102},        {"<|haw|>", 103},
    {"<|translate|>", 104}, {"<|transcribe|>", 105},        {"<|startoflm|>", 106}, {"<|startofprev|>", 107},
    {"<|nospeech|>", 108},  {"<|notimestamps|>", 109},      {"<|0.00|>", 110},      {"word", 5}};

class GenerationConfigFiles : public testing::Test {
 protected:
  void write(const char* name, const json& content) { test::write_file(dir / name, content.dump()); }

  const test::TempDir dir;
};

TEST_F(GenerationConfigFiles, FillsWhatIsMissingByTheTextOfTokens) {
  write("config.json", kConfig);
  write("added_tokens.json", kTokens);
  const GenerationConfig config = read_generation_config(dir.path());
  EXPECT_EQ(config.lang_to_id, (std::map<std::string, std::int32_t>{{"<|en|>", 102}, {"<|haw|>", 103}}));
  EXPECT_EQ(config.task_to_id,
            (std::map<std::string, std::int32_t>{{"transcribe", 105}, {"translate", 104}}));
  EXPECT_EQ(config.decoder_start_token_id, 101);
  EXPECT_EQ(config.eos_token_id, 100);
  EXPECT_EQ(config.no_timestamps_token_id, 109);
  EXPECT_EQ(config.prev_sot_token_id, 107);
  EXPECT_EQ(config.max_initial_timestamp_index, 50);
  EXPECT_TRUE(config.is_multilingual);
  const std::vector<std::pair<int, int>> upper_half = {{1, 0}, {1, 1}, {2, 0}, {2, 1}};
  EXPECT_EQ(config.alignment_heads, upper_half);
}

TEST_F(GenerationConfigFiles, ReadsTokensFromTokenizerJson) {
  json added = json::array();
  for (const auto& [text, id] : kTokens.items()) {
    added.push_back({{"content", text}, {"id", id}});
  }
  write("config.json", kConfig);
  write("tokenizer.json", {{"added_tokens", added}});
  EXPECT_EQ(read_generation_config(dir.path()).prev_sot_token_id, 107);
}

TEST_F(GenerationConfigFiles, PrefersItsOwnFields) {
  write("config.json", kConfig);
  write("added_tokens.json", kTokens);
  const json own = {{"lang_to_id", {{"<|de|>", 7}}},
                    {"task_to_id", {{"transcribe", 8}}},
                    {"eos_token_id", json::array({9, 100})},
                    {"alignment_heads", {{2, 1}}},
                    {"suppress_tokens", {1, 2}},
                    {"begin_suppress_tokens", nullptr},
                    {"max_initial_timestamp_index", 25},
                    {"some_other_field", "kept"}};
  write("generation_config.json", own);
  const GenerationConfig config = read_generation_config(dir.path());
  EXPECT_EQ(config.lang_to_id, (std::map<std::string, std::int32_t>{{"<|de|>", 7}}));
  EXPECT_EQ(config.eos_token_id, 9);
  EXPECT_EQ(config.alignment_heads, (std::vector<std::pair<int, int>>{{2, 1}}));
  EXPECT_EQ(config.suppress_tokens, (std::vector<std::int32_t>{1, 2}));
  EXPECT_TRUE(config.begin_suppress_tokens.empty());
  EXPECT_EQ(config.max_initial_timestamp_index, 25);
  EXPECT_EQ(complete_generation_config(dir.path())["some_other_field"], "kept");
}

TEST_F(GenerationConfigFiles, TakesSuppressedTokensFromOlderConfigs) {
  json config = kConfig;
  config["suppress_tokens"] = {3, 4};
  config["begin_suppress_tokens"] = {5};
  write("config.json", config);
  write("added_tokens.json", kTokens);
  EXPECT_EQ(read_generation_config(dir.path()).suppress_tokens, (std::vector<std::int32_t>{3, 4}));
  EXPECT_EQ(read_generation_config(dir.path()).begin_suppress_tokens, (std::vector<std::int32_t>{5}));
}

TEST_F(GenerationConfigFiles, KnowsEnglishOnlyModelsByTheirVocabulary) {
  json config = kConfig;
  config["vocab_size"] = 51864;
  write("config.json", config);
  write("added_tokens.json", kTokens);
  const GenerationConfig english = read_generation_config(dir.path());
  EXPECT_FALSE(english.is_multilingual);
  EXPECT_TRUE(english.lang_to_id.empty());
  EXPECT_TRUE(english.task_to_id.empty());
}

TEST_F(GenerationConfigFiles, FillsWhatAFineTuneLacksFromItsOwnVersion) {
  json config = kConfig;
  for (const auto& [n_vocab, no_timestamps, yue] :
       {std::tuple(51865, 50363, 0), std::tuple(51866, 50364, 50358)}) {
    config["vocab_size"] = n_vocab;
    write("config.json", config);
    const GenerationConfig filled = read_generation_config(dir.path());
    EXPECT_EQ(filled.decoder_start_token_id, 50258);
    EXPECT_EQ(filled.no_timestamps_token_id, no_timestamps);
    EXPECT_EQ(filled.prev_sot_token_id, no_timestamps - 2);
    EXPECT_EQ(filled.lang_to_id.at("<|en|>"), 50259);
    EXPECT_EQ(filled.lang_to_id.contains("<|yue|>"), yue != 0);
    EXPECT_EQ(filled.task_to_id.at("transcribe"), no_timestamps - 4);
    EXPECT_FALSE(filled.alignment_heads.empty());
  }
}

TEST_F(GenerationConfigFiles, FillsSuppressedTokensFromTheVocabulary) {
  json config = kConfig;
  config["vocab_size"] = 51866;
  write("config.json", config);
  json vocabulary;
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[sources::Vocabulary::printable(std::string(1, static_cast<char>(byte)))] = byte;
  }
  for (int id = 256; id < 50257; ++id) {
    vocabulary["t" + std::to_string(id)] = id;
  }
  write("vocab.json", vocabulary);
  const GenerationConfig filled = read_generation_config(dir.path());
  EXPECT_EQ(filled.begin_suppress_tokens, (std::vector<std::int32_t>{' ', 50257}));
  const auto& suppressed = filled.suppress_tokens;
  for (const int id : {static_cast<int>('['), 50258, 50359, 50360, 50361, 50362, 50363}) {
    EXPECT_NE(std::find(suppressed.begin(), suppressed.end(), id), suppressed.end()) << id;
  }
  EXPECT_EQ(std::find(suppressed.begin(), suppressed.end(), 50364), suppressed.end());  // <|notimestamps|>
}

TEST_F(GenerationConfigFiles, NamesTheFieldNothingTells) {
  write("config.json", kConfig);
  test::expect_error(
      [&] { read_generation_config(dir.path()); }, ErrorCode::bad_format,
      "field \"decoder_start_token_id\" is missing and the tokenizer has no token <|startoftranscript|>");
  json tokens = kTokens;
  tokens.erase("<|notimestamps|>");
  write("added_tokens.json", tokens);
  test::expect_error([&] { read_generation_config(dir.path()); }, ErrorCode::bad_format,
                     "field \"no_timestamps_token_id\"");
}

TEST_F(GenerationConfigFiles, NamesTheFieldOfAnotherType) {
  write("config.json", kConfig);
  write("added_tokens.json", kTokens);
  const auto with = [&](const char* key, const json& value) {
    write("generation_config.json", {{key, value}});
    test::expect_error([&] { read_generation_config(dir.path()); }, ErrorCode::bad_format, std::string(key));
  };
  with("lang_to_id", {1, 2});
  with("eos_token_id", "fifty");
  with("alignment_heads", {{1, 2, 3}, {4}});
  with("suppress_tokens", {"a"});
  with("is_multilingual", {1});
}

}  // namespace
}  // namespace sotto::model
