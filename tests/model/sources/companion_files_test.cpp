#include "model/sources/companion_files.h"

#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/sources/alignment_heads.h"
#include "model/sources/special_tokens.h"
#include "model/sources/vocabulary.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace sotto::model::sources {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json read_json(const fs::path& path) {
  return json::parse(test::read_file(path));
}

/// As many tokens as Whisper has: the bytes, then pairs of tokens that are there already.
std::vector<std::string> synthetic_tokens(std::size_t n) {
  std::vector<std::string> tokens = open_source(test::golden_dir("sources") / "ggml-q4_0.bin").tokens;
  tokens.resize(256);
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256 && tokens.size() < n; ++second) {
      tokens.push_back(tokens[static_cast<std::size_t>(first)] + tokens[static_cast<std::size_t>(second)]);
    }
  }
  return tokens;
}

Source ggml_source(std::int64_t n_vocab, std::int64_t n_layer, std::int64_t n_state, const fs::path& path) {
  Source source;
  source.kind = Source::Kind::ggml;
  source.path = path;
  source.directory = path.parent_path();
  source.dims = {.n_mels = n_vocab == 51866 ? 128 : 80,
                 .n_audio_ctx = 1500,
                 .n_audio_state = n_state,
                 .n_audio_head = n_state / 64,
                 .n_audio_layer = n_layer,
                 .n_vocab = n_vocab,
                 .n_text_ctx = 448,
                 .n_text_state = n_state,
                 .n_text_head = n_state / 64,
                 .n_text_layer = n_layer};
  source.tokens = synthetic_tokens(n_vocab == 51864 ? 50256 : 50257);
  return source;
}

// Ids from the generation_config.json of openai/whisper-tiny, -tiny.en and -large-v3.
TEST(SpecialTokens, HaveTheIdsOfEveryVersion) {
  const auto v2 = official_special_tokens(51865);
  ASSERT_TRUE(v2.has_value());
  EXPECT_EQ(v2->eot(), 50257);
  EXPECT_EQ(v2->sot(), 50258);
  EXPECT_EQ(v2->translate(), 50358);
  EXPECT_EQ(v2->transcribe(), 50359);
  EXPECT_EQ(v2->sot_prev(), 50361);
  EXPECT_EQ(v2->no_timestamps(), 50363);
  EXPECT_EQ(v2->timestamp_begin(), 50364);
  EXPECT_EQ(v2->n_vocab(), 51865);
  const auto v3 = official_special_tokens(51866);
  EXPECT_EQ(v3->transcribe(), 50360);
  EXPECT_EQ(v3->no_timestamps(), 50364);
  EXPECT_EQ(v3->n_vocab(), 51866);
  const auto english = official_special_tokens(51864);
  EXPECT_EQ(english->eot(), 50256);
  EXPECT_EQ(english->sot_prev(), 50360);
  EXPECT_EQ(english->no_timestamps(), 50362);
  EXPECT_EQ(english->n_vocab(), 51864);
  EXPECT_FALSE(official_special_tokens(3000).has_value());
}

TEST(SpecialTokens, AreNamedInOrder) {
  const auto names = official_special_tokens(51866)->named();
  std::map<std::string, std::int32_t> ids(names.begin(), names.end());
  EXPECT_EQ(ids.size(), 51866U - 50257U);
  EXPECT_EQ(ids.at("<|en|>"), 50259);
  EXPECT_EQ(ids.at("<|zh|>"), 50260);
  EXPECT_EQ(ids.at("<|yue|>"), 50358);
  EXPECT_EQ(ids.at("<|nospeech|>"), 50363);
  EXPECT_EQ(ids.at("<|0.02|>"), 50366);
  EXPECT_EQ(ids.at("<|30.00|>"), 51865);
  EXPECT_EQ(official_special_tokens(51865)->named()[105].first, "<|nocaptions|>");
}

TEST(AlignmentHeads, AreThoseOfTheOfficialModelOfTheseDimensions) {
  const auto heads = [](std::int64_t n_vocab, std::int64_t n_state, std::int64_t n_layer, const char* path) {
    const auto found = official_alignment_heads(
        {.n_vocab = n_vocab, .n_text_state = n_state, .n_text_layer = n_layer}, path);
    return std::vector<AlignmentHead>(found.begin(), found.end());
  };
  EXPECT_EQ(heads(51865, 384, 4, "tiny.pt"),
            std::vector<AlignmentHead>({{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}}));
  EXPECT_EQ(heads(51866, 1280, 4, "x"),
            std::vector<AlignmentHead>({{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}}));
  EXPECT_EQ(heads(51865, 1280, 32, "large-v2.pt").size(), 23U);
  EXPECT_EQ(heads(51865, 1280, 32, "models/ggml-large-v1.bin").size(), 9U);
  EXPECT_TRUE(heads(51865, 1280, 2, "distil-large-v2").empty());
}

TEST(CompanionFiles, OfAVersion3GgmlNeedNothingElse) {
  const test::TempDir dir;
  write_companion_files(ggml_source(51866, 4, 1280, dir / "turbo.bin"), dir.path());
  const GenerationConfig generation = read_generation_config(dir.path());
  EXPECT_EQ(generation.lang_to_id.size(), 100U);
  EXPECT_EQ(generation.lang_to_id.at("<|yue|>"), 50358);
  EXPECT_EQ(generation.task_to_id.at("transcribe"), 50360);
  EXPECT_EQ(generation.no_timestamps_token_id, 50364);
  EXPECT_EQ(generation.prev_sot_token_id, 50362);
  EXPECT_EQ(generation.begin_suppress_tokens, std::vector<std::int32_t>({220, 50257}));
  EXPECT_EQ(generation.alignment_heads.size(), 6U);
  EXPECT_EQ(generation.suppress_tokens.front(), 1);  // the quotation mark
  const ModelDimensions dims = read_dimensions(dir.path());
  EXPECT_EQ(dims.n_mels, 128);
  EXPECT_EQ(dims.n_vocab, 51866);
  EXPECT_EQ(read_json(dir / "preprocessor_config.json")["feature_size"], 128);
  EXPECT_EQ(read_json(dir / "preprocessor_config.json")["chunk_length"], 30);
  const json tokenizer = read_json(dir / "tokenizer.json");
  EXPECT_EQ(tokenizer["model"]["vocab"].size(), 50257U);
  EXPECT_EQ(tokenizer["model"]["merges"].size(), 50257U - 256U);
  EXPECT_EQ(tokenizer["added_tokens"].size(), 1609U);
  EXPECT_EQ(read_json(dir / "vocab.json").size(), 50257U);
  EXPECT_EQ(read_json(dir / "added_tokens.json")["<|notimestamps|>"], 50364);
}

TEST(CompanionFiles, OfAnEnglishModelHaveNoLanguages) {
  const test::TempDir dir;
  write_companion_files(ggml_source(51864, 4, 384, dir / "tiny.en.bin"), dir.path());
  const GenerationConfig generation = read_generation_config(dir.path());
  EXPECT_FALSE(generation.is_multilingual);
  EXPECT_TRUE(generation.lang_to_id.empty());
  EXPECT_EQ(generation.decoder_start_token_id, 50257);
  EXPECT_EQ(generation.eos_token_id, 50256);
  EXPECT_EQ(generation.alignment_heads.size(), 8U);
}

TEST(CompanionFiles, ToldWhatIsMissing) {
  const test::TempDir dir;
  Source source = ggml_source(51865, 4, 384, dir / "tiny.pt");
  source.tokens.clear();
  source.kind = Source::Kind::openai;
  test::expect_error(
      [&] { write_companion_files(source, dir.path()); }, ErrorCode::not_found,
      "expected multilingual.tiktoken (from openai/whisper's assets), tokenizer.json or vocab.json");
  source.tokens = std::vector<std::string>(50257, "\xef\xbf\xbd");  // as in whisper.cpp's oldest files
  test::expect_error([&] { write_companion_files(source, dir.path()); }, ErrorCode::not_found,
                     "or they have lost their bytes");
  source.dims.n_vocab = 3000;
  test::expect_error([&] { write_companion_files(source, dir.path()); }, ErrorCode::not_found,
                     "a vocabulary of 3000 tokens is none of Whisper's (51864, 51865, 51866)");
  source.dims.n_vocab = 51865;
  source.tokens = synthetic_tokens(50000);
  test::expect_error([&] { write_companion_files(source, dir.path()); }, ErrorCode::bad_format,
                     "expected 50257 text tokens for a vocabulary of 51865, found 50000");
}

TEST(CompanionFiles, OfATorchFileTakeTheVocabularyBesideIt) {
  const test::TempDir beside;
  const test::TempDir out;
  const Source ggml = ggml_source(51865, 4, 384, beside / "tiny.pt");
  write_companion_files(ggml, beside.path());
  fs::remove(beside / "generation_config.json");
  Source source = ggml;
  source.tokens.clear();
  const std::string tokenizer = test::read_file(beside / "tokenizer.json");
  for (const std::string file : {"tokenizer.json", "vocab.json"}) {
    write_companion_files(source, out.path());
    EXPECT_EQ(test::read_file(out / "tokenizer.json"), tokenizer);
    EXPECT_EQ(test::read_file(out / "merges.txt"), test::read_file(beside / "merges.txt"));
    fs::remove(beside / file);
  }
}

TEST(CompanionFiles, OfACustomVocabularyAreThoseBesideIt) {
  const test::TempDir beside;
  const test::TempDir out;
  for (const char* file : {"tokenizer.json", "ggml-q8_0.bin"}) {
    fs::copy_file(test::golden_dir("sources") / file, beside / file);
  }
  write_companion_files(open_source(beside / "ggml-q8_0.bin"), out.path());
  EXPECT_EQ(read_dimensions(out.path()).n_vocab, 280);
  const GenerationConfig generation = read_generation_config(out.path());
  EXPECT_EQ(generation.decoder_start_token_id, 265);
  EXPECT_EQ(generation.lang_to_id, (std::map<std::string, std::int32_t>{{"<|de|>", 267}, {"<|en|>", 266}}));
  EXPECT_EQ(test::read_file(out / "tokenizer.json"), test::read_file(beside / "tokenizer.json"));
}

}  // namespace
}  // namespace sotto::model::sources
