#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/graph_run.h"
#include "sotto/model.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

namespace fs = std::filesystem;
using test::Golden;

const fs::path kGolden = test::source_dir() / "tests" / "golden" / "sources";
const std::vector<std::int64_t> kTokens = {265, 72, 101, 256, 279, 5};  // as in make.py

Golden read_f32(const std::string& file, const ov::Shape& shape) {
  const std::string bytes = test::read_file(kGolden / file);
  Golden golden{shape, std::vector<float>(bytes.size() / sizeof(float))};
  std::memcpy(golden.values.data(), bytes.data(), bytes.size());
  return golden;
}

std::vector<float> values_of(const ov::Tensor& tensor) {
  return {tensor.data<const float>(), tensor.data<const float>() + tensor.get_size()};
}

struct Outputs {
  std::vector<float> hidden;
  std::vector<float> logits;
};

Outputs run(const WhisperModel& model) {
  const Golden mel = read_f32("mel.f32", {1, 8, 20});
  Outputs outputs;
  outputs.hidden = values_of(test::encode_features(model.encoder, mel));
  test::Decoder decoder(model.decoder);
  decoder.start({{1, 10, 32}, outputs.hidden});
  outputs.logits = values_of(decoder.step({kTokens}, {0}));
  return outputs;
}

float max_difference(const std::vector<float>& a, const std::vector<float>& b) {
  float largest = a.size() == b.size() ? 0.0F : INFINITY;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

/// A directory with one checkpoint, and beside it what its form does not hold.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& file) : path_(dir_ / file) {
    for (const std::string& name : {std::string("tokenizer.json"), std::string("config.json"), file}) {
      fs::copy_file(kGolden / name, dir_ / name);
    }
  }
  const fs::path& path() const { return path_; }
  fs::path directory() const { return dir_.path(); }

 private:
  test::TempDir dir_;
  fs::path path_;
};

class BuildFrom : public testing::TestWithParam<std::string> {};

// What a file's weights are as f32 decides everything: outputs are equal to the last bit.
TEST_P(BuildFrom, GivesTheModelThatSafetensorsGive) {
  const Outputs expected = run(build(Checkpoint("model.safetensors").directory()));
  const Checkpoint checkpoint(GetParam());
  const Outputs found = run(build(checkpoint.path()));
  EXPECT_EQ(found.hidden, expected.hidden);
  EXPECT_EQ(found.logits, expected.logits);
  EXPECT_LT(max_difference(found.hidden, read_f32("encoder.f32", {}).values), 1e-4F);
  EXPECT_LT(max_difference(found.logits, read_f32("logits.f32", {}).values), 1e-3F);
}

INSTANTIATE_TEST_SUITE_P(,
                         BuildFrom,
                         testing::Values("pytorch_model.bin", "openai.pt", "ggml-f32.bin", "ggml-f16.bin"),
                         [](const auto& file) {
                           return file.param.substr(0, file.param.find('.')) == "openai" ? "pt"
                                  : file.param == "pytorch_model.bin"                    ? "bin"
                                  : file.param == "ggml-f32.bin"                         ? "ggml_f32"
                                                                                         : "ggml_f16";
                         });

class BuildFromQuantized : public testing::TestWithParam<std::string> {};

TEST_P(BuildFromQuantized, GivesWhispersLogitsOfTheDequantizedWeights) {
  const Checkpoint checkpoint("ggml-" + GetParam() + ".bin");
  const Outputs found = run(build(checkpoint.path()));
  EXPECT_LT(max_difference(found.logits, read_f32("logits-" + GetParam() + ".f32", {}).values), 1e-3F);
}

INSTANTIATE_TEST_SUITE_P(,
                         BuildFromQuantized,
                         testing::Values("q4_0", "q4_1", "q5_0", "q5_1", "q8_0"),
                         [](const auto& type) { return type.param; });

TEST(BuildFromAFile, KeepsItsJsonFilesAsLongAsTheModel) {
  fs::path directory;
  {
    const Checkpoint checkpoint("openai.pt");
    const WhisperModel model = build(checkpoint.path());
    directory = model.directory;
    EXPECT_NE(directory, checkpoint.directory());
    EXPECT_TRUE(fs::exists(directory / "tokenizer.json"));
    EXPECT_TRUE(fs::exists(directory / "config.json"));
    EXPECT_EQ(model.generation.decoder_start_token_id, 265);
  }
  EXPECT_FALSE(fs::exists(directory));
}

TEST(BuildFromAFile, ConvertsToACompleteDirectory) {
  const Checkpoint checkpoint("ggml-q8_0.bin");
  const test::TempDir out;
  const WhisperModel model = convert(checkpoint.path(), out / "ir");
  EXPECT_EQ(model.directory, out / "ir");
  EXPECT_EQ(model.dims.n_vocab, 280);
  for (const char* file :
       {"tokenizer.json", "config.json", "generation_config.json", "preprocessor_config.json"}) {
    EXPECT_TRUE(fs::exists(out / "ir" / file)) << file;
  }
}

TEST(BuildFromAFile, SaysWhatToPutBesideIt) {
  const Checkpoint checkpoint("openai.pt");
  fs::remove(checkpoint.directory() / "tokenizer.json");
  test::expect_error([&] { build(checkpoint.path()); }, ErrorCode::not_found, "expected tokenizer.json");
}

}  // namespace
}  // namespace sotto::model
