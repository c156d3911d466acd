#include "hub/checkpoint_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::hub {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

const std::set<std::string> kBase = {"config.json", "tokenizer.json", "README.md", ".gitattributes"};

std::set<std::string> with(std::set<std::string> names) {
  names.insert(kBase.begin(), kBase.end());
  return names;
}

TEST(ChooseCheckpointFiles, PrefersSafetensors) {
  const auto chosen = choose_checkpoint_files(with(
      {"model.safetensors", "model.fp32.safetensors", "pytorch_model.bin", "openvino_encoder_model.xml"}));
  EXPECT_THAT(chosen.files, ElementsAre("config.json", "tokenizer.json", "model.safetensors"));
  EXPECT_THAT(chosen.missing, IsEmpty());
}

TEST(ChooseCheckpointFiles, TakesShardsByTheirIndex) {
  const auto chosen = choose_checkpoint_files(
      with({"model.safetensors.index.json", "model-00001-of-00002.safetensors", "pytorch_model.bin"}));
  EXPECT_EQ(chosen.index, "model.safetensors.index.json");
  EXPECT_THAT(chosen.files, Contains("model.safetensors.index.json"));
  EXPECT_THAT(chosen.files, Not(Contains("pytorch_model.bin")));
}

TEST(ChooseCheckpointFiles, TakesTorchFilesWhereThereIsNothingElse) {
  EXPECT_THAT(choose_checkpoint_files(with({"pytorch_model.bin", "tf_model.h5"})).files,
              ElementsAre("config.json", "tokenizer.json", "pytorch_model.bin"));
  EXPECT_EQ(choose_checkpoint_files(with({"pytorch_model.bin.index.json"})).index,
            "pytorch_model.bin.index.json");
}

TEST(ChooseCheckpointFiles, TakesAnOpenvinoModel) {
  const std::set<std::string> ir = {"openvino_encoder_model.xml", "openvino_encoder_model.bin",
                                    "openvino_decoder_model.xml", "openvino_decoder_model.bin"};
  std::set<std::string> names = with(ir);
  names.insert({"openvino_tokenizer.xml", "openvino_tokenizer.bin", "openvino_config.json"});
  const auto chosen = choose_checkpoint_files(names);
  EXPECT_EQ(chosen.files.size(), 9U);
  EXPECT_THAT(chosen.missing, IsEmpty());
  names.erase("openvino_decoder_model.bin");
  EXPECT_THAT(choose_checkpoint_files(names).missing, ElementsAre("openvino_decoder_model.bin"));
}

TEST(ChooseCheckpointFiles, NamesWhatIsMissing) {
  EXPECT_THAT(choose_checkpoint_files({}).missing,
              ElementsAre("config.json", "tokenizer.json", "model.safetensors"));
  EXPECT_THAT(
      choose_checkpoint_files({"config.json", "vocab.json", "merges.txt", "model.safetensors"}).missing,
      IsEmpty());
}

TEST(ReadShardNames, ReadsEachOnce) {
  const test::TempDir dir;
  test::write_file(dir / "index.json", R"({"metadata": {}, "weight_map": {"x": "b", "y": "a", "z": "b"}})");
  EXPECT_THAT(read_shard_names(dir / "index.json"), ElementsAre("a", "b"));
}

TEST(ReadShardNames, RefusesEveryPrefix) {
  const test::TempDir dir;
  const std::string whole = R"({"weight_map": {"x": "model-1.safetensors"}})";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    test::write_file(dir / "index.json", whole.substr(0, n));
    test::expect_error([&] { read_shard_names(dir / "index.json"); }, ErrorCode::bad_format, "index.json");
  }
}

}  // namespace
}  // namespace sotto::hub
