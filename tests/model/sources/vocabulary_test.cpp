#include "model/sources/vocabulary.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/sources/archive_writer.h"
#include "model/sources/ggml_file.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace sotto::model::sources {
namespace {

std::vector<std::string> golden_tokens() {
  const std::string file = test::read_file(test::golden_dir("sources") / "ggml-q4_0.bin");
  Memory memory;
  return read_ggml(test::as_bytes(file), "m.bin", memory).tokens;
}

TEST(Vocabulary, FindsMergesByRank) {
  const Vocabulary vocabulary(golden_tokens(), "m.bin");
  std::vector<std::string> lines;
  for (const auto& [first, second] : vocabulary.merges()) {
    const auto& tokens = vocabulary.tokens();
    lines.push_back(Vocabulary::printable(tokens[static_cast<std::size_t>(first)]) + " " +
                    Vocabulary::printable(tokens[static_cast<std::size_t>(second)]));
  }
  const auto tokenizer = test::golden_json("sources", "tokenizer.json");
  EXPECT_EQ(lines, tokenizer["model"]["merges"].get<std::vector<std::string>>());
}

TEST(Vocabulary, EncodesByLowestRankFirst) {
  const Vocabulary vocabulary(golden_tokens(), "m.bin");
  EXPECT_EQ(vocabulary.encode_piece(" the"), std::vector<Vocabulary::Id>({259}));
  EXPECT_EQ(vocabulary.encode_piece(" t"), std::vector<Vocabulary::Id>({256}));
  EXPECT_EQ(vocabulary.encode_piece("there"), std::vector<Vocabulary::Id>({83, 257, 81, 68}));
  EXPECT_TRUE(vocabulary.encode_piece("").empty());
}

TEST(Vocabulary, IsTheSameFromEveryFile) {
  const std::vector<std::string> tokens = golden_tokens();
  EXPECT_EQ(Vocabulary::read_json(test::golden_dir("sources") / "tokenizer.json", tokens.size()).tokens(),
            tokens);
  const test::TempDir dir;
  test::write_file(dir / "vocab.json",
                   test::golden_json("sources", "tokenizer.json")["model"]["vocab"].dump());
  EXPECT_EQ(Vocabulary::read_json(dir / "vocab.json", tokens.size()).tokens(), tokens);
}

TEST(Vocabulary, ReadsTiktokenLines) {
  const test::TempDir dir;
  std::string lines;
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (unsigned byte = 0; byte < 256; ++byte) {
    lines += {kDigits[byte >> 2], kDigits[(byte & 3) << 4], '=', '='};
    lines += " " + std::to_string(byte) + "\n";
  }
  test::write_file(dir / "v.tiktoken", lines + "YWI= 256\n= 257\n");
  const Vocabulary vocabulary = Vocabulary::read_tiktoken(dir / "v.tiktoken");
  ASSERT_EQ(vocabulary.tokens().size(), 258U);
  EXPECT_EQ(vocabulary.tokens()[255], "\xff");
  EXPECT_EQ(vocabulary.tokens()[256], "ab");
  EXPECT_EQ(vocabulary.tokens()[257], "");
  EXPECT_EQ(vocabulary.merges().size(), 1U);
}

TEST(Vocabulary, RefusesWhatIsNone) {
  const auto refuse = [](std::vector<std::string> tokens, const std::string& part) {
    test::expect_error([&] { Vocabulary(std::move(tokens), "m.bin").merges(); }, ErrorCode::bad_format, part);
  };
  refuse({"a"}, "expected a token for each byte");
  std::vector<std::string> tokens = golden_tokens();
  tokens.push_back("he");
  refuse(tokens, "token 264: \"he\" is there twice");
  tokens.back() = "xyz";
  refuse(tokens, "token 264: expected \"xyz\" to be made of two earlier tokens, found 3");
  tokens.back() = std::string(300, 'x');
  refuse(tokens, "token 264: expected at most 256 bytes, found 300");
}

TEST(Vocabulary, RefusesBadFiles) {
  const test::TempDir dir;
  const auto refuse_tiktoken = [&](const std::string& content, const std::string& part) {
    test::write_file(dir / "v.tiktoken", content);
    test::expect_error([&] { Vocabulary::read_tiktoken(dir / "v.tiktoken"); }, ErrorCode::bad_format, part);
  };
  refuse_tiktoken("IQ== 1\n", "line 1: expected base64 and rank 0");
  refuse_tiktoken("I!== 0\n", "line 1");
  refuse_tiktoken("IQ==", "line 1");
  refuse_tiktoken("IQ== x\n", "line 1");
  const auto refuse_json = [&](const std::string& content, const std::string& part) {
    test::write_file(dir / "vocab.json", content);
    test::expect_error([&] { Vocabulary::read_json(dir / "vocab.json", 2); }, ErrorCode::bad_format, part);
  };
  refuse_json(R"({"model": {}})", "expected an object of tokens and ids");
  refuse_json(R"({"a": -1})", "token \"a\": expected a whole number");
  refuse_json(R"({"a": 0})", "with id 1");
  refuse_json(R"({"a": 0, "日": 1})", "with id 1");
}

}  // namespace
}  // namespace sotto::model::sources
