#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sotto/text.h"
#include "support/damage.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/peak_memory.h"

namespace sotto::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The small golden tokenizer, and Whisper's own where make.py wrote them (golden/text/README.md).
std::vector<fs::path> tokenizer_dirs() {
  std::vector<fs::path> dirs = {test::golden_dir("text") / "tokenizer"};
  if (const char* real = std::getenv("SOTTO_WHISPER_TOKENIZERS")) {
    dirs.push_back(fs::path(real) / "multilingual");
    dirs.push_back(fs::path(real) / "gpt2");
  }
  return dirs;
}

json read_json(const fs::path& path) {
  return json::parse(test::read_file(path));
}

class TokenizerGolden : public testing::TestWithParam<fs::path> {};
INSTANTIATE_TEST_SUITE_P(Vocabularies,
                         TokenizerGolden,
                         testing::ValuesIn(tokenizer_dirs()),
                         [](const auto& named) { return named.param.filename().string(); });

TEST_P(TokenizerGolden, EncodesAndDecodesAsHuggingFace) {
  const Tokenizer tokenizer = Tokenizer::load(GetParam());
  const json cases = read_json(GetParam() / "cases.json");
  ASSERT_GE(cases.size(), 500U);
  for (const json& wanted : cases) {
    const auto text = wanted["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), wanted["ids"].get<std::vector<TokenId>>()) << wanted["text"];
    const std::vector<TokenId> ids = tokenizer.encode(text, true);
    EXPECT_EQ(ids, wanted["special_ids"].get<std::vector<TokenId>>()) << wanted["text"];
    EXPECT_EQ(tokenizer.decode_with_timestamps(ids), wanted["decoded"].get<std::string>());
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST_P(TokenizerGolden, KeepsAnyBytes) {
  const Tokenizer tokenizer = Tokenizer::load(GetParam());
  std::uint32_t state = 1;
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    for (int i = 0; i < round % 40; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes.push_back(static_cast<char>(state >> 24));
    }
    EXPECT_EQ(tokenizer.decode_bytes(tokenizer.encode(bytes)), bytes);
  }
}

TEST_P(TokenizerGolden, FindsTheSpecialTokensOfWhisper) {
  const fs::path golden = GetParam() / "non_speech.json";
  if (!fs::exists(golden)) {
    return;  // the small vocabulary has tests of its own below
  }
  const Tokenizer tokenizer = Tokenizer::load(GetParam());
  const json wanted = read_json(golden);
  EXPECT_EQ(tokenizer.non_speech_tokens(), wanted["non_speech_tokens"].get<std::vector<TokenId>>());
  EXPECT_EQ(tokenizer.eot(), wanted["eot"]);
  EXPECT_EQ(tokenizer.sot(), wanted["sot"]);
  EXPECT_EQ(tokenizer.no_speech(), wanted["no_speech"]);
  EXPECT_EQ(tokenizer.timestamp_begin(), wanted["timestamp_begin"]);
  EXPECT_EQ(tokenizer.is_multilingual(), GetParam().filename() == "multilingual");
  EXPECT_EQ(tokenizer.language_ids().size(), tokenizer.is_multilingual() ? 99U : 0U);
}

Tokenizer small() {
  return Tokenizer::load(test::golden_dir("text") / "tokenizer");
}
json small_json() {
  return read_json(test::golden_dir("text") / "tokenizer" / "tokenizer.json");
}

TEST(Tokenizer, KnowsItsSpecialTokens) {
  const Tokenizer tokenizer = small();
  EXPECT_EQ(tokenizer.eot(), 455);
  EXPECT_EQ(tokenizer.sot(), 456);
  EXPECT_EQ(tokenizer.language_ids().at("en"), 457);
  EXPECT_EQ(tokenizer.language_ids().size(), 99U);
  EXPECT_TRUE(tokenizer.is_multilingual());
  EXPECT_EQ(tokenizer.token(tokenizer.no_timestamps()), "<|notimestamps|>");
  EXPECT_EQ(tokenizer.id_of("<|transcribe|>"), tokenizer.transcribe());
  EXPECT_EQ(tokenizer.id_of("<|0.04|>"), tokenizer.timestamp_begin() + 2);
  EXPECT_EQ(tokenizer.id_of(" the"), tokenizer.encode(" the").at(0));
  EXPECT_EQ(tokenizer.id_of("no such token"), std::nullopt);
  EXPECT_FALSE(tokenizer.is_timestamp(tokenizer.no_timestamps()));
  test::expect_error([&] { (void)tokenizer.token(-1); }, ErrorCode::invalid_argument, "found -1");
  test::expect_error([&] { (void)tokenizer.token(1 << 20); }, ErrorCode::invalid_argument, "found 1048576");
}

TEST(Tokenizer, LeavesControlTokensAndUnknownIdsOutOfText) {
  const Tokenizer tokenizer = small();
  std::vector<TokenId> ids = {tokenizer.sot(), tokenizer.timestamp_begin()};
  for (const TokenId id : tokenizer.encode(" Zug")) {
    ids.push_back(id);
  }
  ids.insert(ids.end(), {tokenizer.timestamp_begin() + 2, -5, 1 << 20, tokenizer.eot()});
  EXPECT_EQ(tokenizer.decode(ids), " Zug");
  EXPECT_EQ(tokenizer.decode_with_timestamps(ids), "<|startoftranscript|><|0.00|> Zug<|0.04|><|endoftext|>");
}

TEST(Tokenizer, ReplacesIncompleteUtf8) {
  const Tokenizer tokenizer = small();
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a\xE2\x82")), "a\xEF\xBF\xBD");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("\xFF\xC3(")), "\xEF\xBF\xBD\xEF\xBF\xBD(");
}

TEST(Tokenizer, OfASmallVocabularyDoesNotSuppressTheSpace) {
  const Tokenizer tokenizer = small();
  const std::vector<TokenId>& suppressed = tokenizer.non_speech_tokens();
  for (const char* speech : {" ", ",", ".", "?", "\xE2", "-"}) {
    const TokenId id = tokenizer.encode(speech).at(0);
    EXPECT_FALSE(std::binary_search(suppressed.begin(), suppressed.end(), id)) << speech;
  }
  EXPECT_TRUE(std::binary_search(suppressed.begin(), suppressed.end(), tokenizer.encode("[").at(0)));
}

TEST(Tokenizer, DerivesTimestampsTheFilesLeaveOut) {
  const test::TempDir dir;
  json root = small_json();
  json kept = json::array();
  for (const json& token : root["added_tokens"]) {
    if (!token["content"].get<std::string>().starts_with("<|0.") && token["special"]) {
      kept.push_back(token);
    }
  }
  root["added_tokens"] = kept;
  test::write_file(dir / "tokenizer.json", root.dump());
  const Tokenizer tokenizer = Tokenizer::load(dir.path());
  EXPECT_EQ(tokenizer.timestamp_begin(), tokenizer.no_timestamps() + 1);
  EXPECT_EQ(tokenizer.id_of("<|30.00|>"), tokenizer.timestamp_begin() + 1500);
  EXPECT_EQ(tokenizer.id_of("<|1.08|>"), tokenizer.timestamp_begin() + 54);
  EXPECT_EQ(tokenizer.encode("<|1.08|>", true), std::vector<TokenId>{tokenizer.timestamp_begin() + 54});
  const std::vector<TokenId> ids = {tokenizer.timestamp_begin() + 54};
  EXPECT_EQ(tokenizer.decode_with_timestamps(ids), "<|1.08|>");
  EXPECT_EQ(tokenizer.vocabulary_size(), static_cast<std::size_t>(tokenizer.timestamp_begin()) + 1501);
}

TEST(Tokenizer, ReadsVocabAndMergesAlike) {
  const test::TempDir dir;
  const json root = small_json();
  json added = json::object();
  for (const json& token : root["added_tokens"]) {
    if (token["special"]) {
      added[token["content"].get<std::string>()] = token["id"];
    }
  }
  std::string merges = "#version: 0.2\n";
  for (const json& merge : root["model"]["merges"]) {
    merges += merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>() + "\n";
  }
  test::write_file(dir / "vocab.json", root["model"]["vocab"].dump());
  test::expect_error([&] { Tokenizer::load(dir.path()); }, ErrorCode::not_found, "merges.txt");
  test::write_file(dir / "merges.txt", merges);
  test::expect_error([&] { Tokenizer::load(dir.path()); }, ErrorCode::bad_format,
                     "expected Whisper's token <|endoftext|>");
  test::write_file(dir / "added_tokens.json", added.dump());
  const std::string text = "It's a fine day, isn't it? Où est la gare: 10:30";
  EXPECT_EQ(Tokenizer::load(dir.path()).encode(text), small().encode(text));
  EXPECT_EQ(Tokenizer::load(dir.path()).non_speech_tokens(), small().non_speech_tokens());
}

TEST(Tokenizer, ReadsMergesAsStringsToo) {
  const test::TempDir dir;
  json root = small_json();
  for (json& merge : root["model"]["merges"]) {
    merge = merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>();
  }
  test::write_file(dir / "tokenizer.json", root.dump());
  EXPECT_EQ(Tokenizer::load(dir.path()).encode("We've seen it before"),
            small().encode("We've seen it before"));
}

/// Loads the small tokenizer.json after `change`.
template <typename Change>
void load_changed(Change&& change) {
  const test::TempDir dir;
  json root = small_json();
  change(root);
  test::write_file(dir / "tokenizer.json", root.dump());
  Tokenizer::load(dir.path());
}

TEST(Tokenizer, NamesWhatIsWrongInItsFiles) {
  const test::TempDir dir;
  const auto expect = [](ErrorCode code, const std::string& part, const auto& change) {
    test::expect_error([&] { load_changed(change); }, code, part);
  };
  test::expect_error([&] { Tokenizer::load(dir.path()); }, ErrorCode::not_found, "expected tokenizer.json");
  expect(ErrorCode::bad_format, "\"model\" is missing", [](json& root) { root.erase("model"); });
  expect(ErrorCode::bad_format, "\"vocab\" is missing", [](json& root) { root["model"].erase("vocab"); });
  expect(ErrorCode::bad_format, "expected an object in \"model\"", [](json& root) { root["model"] = 3; });
  expect(ErrorCode::unsupported, "found WordPiece", [](json& root) { root["model"]["type"] = "WordPiece"; });
  expect(ErrorCode::unsupported, "found Metaspace",
         [](json& root) { root["pre_tokenizer"]["type"] = "Metaspace"; });
  expect(ErrorCode::unsupported, "no normalizer", [](json& root) { root["normalizer"] = {{"type", "NFC"}}; });
  expect(ErrorCode::bad_format, "lacks the byte 0x41", [](json& root) { root["model"]["vocab"].erase("A"); });
  expect(ErrorCode::bad_format, "found -7", [](json& root) { root["model"]["vocab"]["A"] = -7; });
  expect(ErrorCode::bad_format, "found \"x\"", [](json& root) { root["model"]["vocab"]["A"] = "x"; });
  expect(ErrorCode::bad_format, "merge 2",
         [](json& root) { root["model"]["merges"][2] = json::array({"no", "way"}); });
  expect(ErrorCode::bad_format, "merge 0 is neither", [](json& root) { root["model"]["merges"][0] = 5; });
  expect(ErrorCode::bad_format, "merge 0 is not two tokens",
         [](json& root) { root["model"]["merges"][0] = "ab"; });
  expect(ErrorCode::bad_format, "Whisper's token <|startofprev|>", [](json& root) {
    for (json& token : root["added_tokens"]) {
      if (token["content"] == "<|startofprev|>") {
        token["content"] = "<|other|>";
      }
    }
  });
}

/// The small tokenizer.json with single bytes and one merge, for it is read some ten thousand times.
std::string smallest_json() {
  json root = small_json();
  const json merge = root["model"]["merges"][0];
  const std::string merged = merge.at(0).get<std::string>() + merge.at(1).get<std::string>();
  json vocabulary = json::object();
  for (const auto& [token, id] : root["model"]["vocab"].items()) {
    const bool is_byte = token.size() == 1 || (token.size() == 2 && (token[0] & 0xC0) == 0xC0);
    if (is_byte || token == merged) {
      vocabulary[token] = id;
    }
  }
  root["model"]["vocab"] = vocabulary;
  root["model"]["merges"] = json::array({merge});
  return root.dump();
}

TEST(DamagedTokenizer, IsReadOrRefused) {
  const test::TempDir dir;
  const test::ReadBytes load = [&](const std::string& bytes) {
    test::write_file(dir / "tokenizer.json", bytes);
    Tokenizer::load(dir.path()).encode("It's 10:30");
  };
  constexpr std::size_t kTable = std::size_t{48} << 20U;  // a place for each id below a million
  const test::ReadBytes read = test::within_memory(load, 64, kTable);
  const std::string whole = smallest_json();
  test::expect_prefixes_refused(read, whole, "tokenizer.json", 3);
  test::expect_flips_read_or_refused(read, whole, "tokenizer.json", 11);
  test::expect_numbers_read_or_refused(read, whole, "tokenizer.json", 19);
}

TEST(DamagedTokenizer, OfThreeFilesIsReadOrRefused) {
  const test::TempDir dir;
  const json root = json::parse(smallest_json());
  const std::string vocabulary = root["model"]["vocab"].dump();
  json added = json::object();
  for (const json& token : root["added_tokens"]) {
    added[token["content"].get<std::string>()] = token["id"];
  }
  const json merge = root["model"]["merges"][0];
  const std::string merges =
      "#version: 0.2\n" + merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>() + "\n";
  const auto read = [&](const std::string& name, const std::string& bytes) {
    test::write_file(dir / "vocab.json", vocabulary);
    test::write_file(dir / "added_tokens.json", added.dump());
    test::write_file(dir / "merges.txt", merges);
    test::write_file(dir / name, bytes);
    Tokenizer::load(dir.path()).encode("It's 10:30");
  };
  for (const auto& [name, whole] :
       {std::pair<std::string, std::string>("added_tokens.json", added.dump()), {"merges.txt", merges}}) {
    test::expect_flips_read_or_refused([&, name = name](const std::string& bytes) { read(name, bytes); },
                                       whole, dir.path().string(), 3);
  }
  test::expect_prefixes_refused([&](const std::string& bytes) { read("vocab.json", bytes); }, vocabulary,
                                dir.path().string(), 11);
}

}  // namespace
}  // namespace sotto::text
