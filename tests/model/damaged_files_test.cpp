// The JSON files of a checkpoint, damaged: each must be read or refused by name. Under the sanitizers.

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/generation_config.h"
#include "model/safetensors.h"
#include "model/sources/source.h"
#include "sotto/model.h"
#include "support/damage.h"
#include "support/expect_error.h"
#include "support/peak_memory.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

using nlohmann::json;
using test::ReadBytes;

const std::string kConfig =
    R"({"model_type": "whisper", "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_layers": 3, "decoder_attention_heads": 2, "vocab_size": 120, "num_mel_bins": 80,
        "max_source_positions": 1500, "max_target_positions": 448, "activation_function": "gelu"})";
const std::string kGeneration =
    R"({"alignment_heads": [[1, 0], [2, 1]], "begin_suppress_tokens": [5, 100], "suppress_tokens": [1, 2],
        "decoder_start_token_id": 101, "eos_token_id": [100], "is_multilingual": true,
        "lang_to_id": {"<|en|>": 102}, "task_to_id": {"transcribe": 105}, "max_initial_timestamp_index": 50,
        "no_timestamps_token_id": 109, "prev_sot_token_id": 107})";
const std::string kAdded =
    R"({"<|endoftext|>": 100, "<|startoftranscript|>": 101, "<|en|>": 102, "<|de|>": 103, "<|translate|>": 104,
        "<|transcribe|>": 105, "<|startofprev|>": 107, "<|nospeech|>": 108, "<|notimestamps|>": 109})";

// "[]," as a tree is an element of 16 bytes and a vector of 24 with its place in the heap.
constexpr std::size_t kTreePerByte = 64;

/// A directory of JSON files; `reader(name)` puts other bytes in the place of one of them and reads it all.
class DamagedJson : public testing::Test {
 protected:
  DamagedJson() {
    test::write_file(dir_ / "config.json", kConfig);
    test::write_file(dir_ / "generation_config.json", kGeneration);
    test::write_file(dir_ / "added_tokens.json", kAdded);
  }

  ReadBytes reader(const std::string& name) {
    const ReadBytes read = [this, name](const std::string& bytes) {
      test::write_file(dir_ / name, bytes);
      const ModelDimensions dims = read_dimensions(dir_.path());
      const GenerationConfig config = read_generation_config(dir_.path());
      EXPECT_LE(config.alignment_heads.size(), 1'000'000U);
      EXPECT_LE(dims.n_vocab, 1'000'000);
    };
    return test::within_memory(read, kTreePerByte);
  }

  void damage(const std::string& name, const std::string& whole) {
    // An error may name the file that lacks what the damaged one no longer says.
    const std::string where = dir_.path().string();
    test::expect_prefixes_refused(reader(name), whole, where);
    test::expect_flips_read_or_refused(reader(name), whole, where);
    test::expect_numbers_read_or_refused(reader(name), whole, where);
  }

  const test::TempDir dir_;
};

TEST_F(DamagedJson, ConfigIsReadOrRefused) {
  damage("config.json", kConfig);
}

TEST_F(DamagedJson, GenerationConfigIsReadOrRefused) {
  damage("generation_config.json", kGeneration);
}

TEST_F(DamagedJson, AddedTokensAreReadOrRefused) {
  test::write_file(dir_ / "generation_config.json", "{}");
  damage("added_tokens.json", kAdded);
}

TEST_F(DamagedJson, TokenizerIsReadOrRefusedForItsIds) {
  test::write_file(dir_ / "generation_config.json", "{}");
  json added = json::array();
  const json tokens = json::parse(kAdded);
  for (const auto& [content, id] : tokens.items()) {
    added.push_back({{"content", content}, {"id", id}, {"special", true}});
  }
  damage("tokenizer.json", json({{"added_tokens", added}, {"model", {{"vocab", {{"a", 1}}}}}}).dump(1));
}

TEST_F(DamagedJson, LayersWithoutNumberAreRefusedBeforeAnythingIsMadeOfThem) {
  test::write_file(dir_ / "generation_config.json", "{}");
  for (const char* key : {"decoder_layers", "decoder_attention_heads"}) {
    json config = json::parse(kConfig);
    config["d_model"] = 1'000'000;
    config[key] = 1'000'000;
    test::expect_error([&] { reader("config.json")(config.dump()); }, ErrorCode::bad_format,
                       std::string("\"") + key + "\": expected 1 to 1000, found 1000000");
  }
}

TEST_F(DamagedJson, DeepNestingIsRefused) {
  const std::pair<const char*, const std::string*> files[] = {
      {"config.json", &kConfig}, {"generation_config.json", &kGeneration}, {"added_tokens.json", &kAdded}};
  for (const auto& [name, whole] : files) {
    const test::ReadBytes read = reader(name);
    EXPECT_FALSE(test::is_read([&] { read(std::string(1'000'000, '[')); }, name));
    EXPECT_FALSE(test::is_read([&] { read(R"({"a":)" + std::string(200'000, '[')); }, name));
    read(*whole);
  }
}

/// A safetensors file of one empty tensor.
std::string no_values() {
  const std::string header = R"({"a":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}})";
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  return length + header;
}

TEST(DamagedIndex, OfSafetensorsIsReadOrRefused) {
  const test::TempDir dir;
  test::write_file(dir / "1.safetensors", no_values());
  const ReadBytes read = [&](const std::string& bytes) {
    test::write_file(dir / "model.safetensors.index.json", bytes);
    test::within_memory([&](const std::string&) { read_safetensors(dir.path()); }, kTreePerByte)(bytes);
  };
  const std::string whole = R"({"metadata": {"total_size": 0}, "weight_map": {"a": "1.safetensors"}})";
  test::expect_prefixes_refused(read, whole, dir.path().string());
  test::expect_flips_read_or_refused(read, whole, dir.path().string());
  test::expect_numbers_read_or_refused(read, whole, dir.path().string());
}

TEST(DamagedIndex, OfTorchShardsIsReadOrRefused) {
  const test::TempDir dir;
  test::write_file(dir / "config.json", kConfig);
  test::write_file(dir / "1.bin", "no archive");
  const ReadBytes read = [&](const std::string& bytes) {
    test::write_file(dir / "pytorch_model.bin.index.json", bytes);
    try {
      sources::open_source(dir.path());
    } catch (const Error& e) {
      // The one shard is refused for what it is: then the index was read.
      if (!std::string(e.what()).starts_with((dir / "1.bin").string())) {
        throw;
      }
    }
  };
  const std::string whole = R"({"weight_map": {"a": "1.bin"}})";
  test::expect_prefixes_refused(read, whole, dir.path().string());
  test::expect_flips_read_or_refused(read, whole, dir.path().string());
}

}  // namespace
}  // namespace sotto::model
