// Every size of Whisper there is, told by the header of each kind of checkpoint.

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/model_name.h"
#include "model/sources/alignment_heads.h"
#include "model/sources/ggml_file.h"
#include "model/sources/ggml_writer.h"
#include "model/sources/special_tokens.h"
#include "model/sources/torch_file.h"
#include "support/temp_dir.h"

namespace sotto::model::sources {
namespace {

struct Size {
  const char* name;
  ModelDimensions dims;
};

constexpr Size size_of(const char* name,
                       std::int64_t n_vocab,
                       std::int64_t n_mels,
                       std::int64_t n_state,
                       std::int64_t n_audio_layer,
                       std::int64_t n_text_layer) {
  return {name,
          {.n_mels = n_mels,
           .n_audio_state = n_state,
           .n_audio_head = n_state / 64,
           .n_audio_layer = n_audio_layer,
           .n_vocab = n_vocab,
           .n_text_state = n_state,
           .n_text_head = n_state / 64,
           .n_text_layer = n_text_layer}};
}

// openai/whisper's model card; config.json of distil-whisper's models.
constexpr Size kSizes[] = {
    size_of("tiny", 51865, 80, 384, 4, 4),
    size_of("tiny.en", 51864, 80, 384, 4, 4),
    size_of("base", 51865, 80, 512, 6, 6),
    size_of("base.en", 51864, 80, 512, 6, 6),
    size_of("small", 51865, 80, 768, 12, 12),
    size_of("small.en", 51864, 80, 768, 12, 12),
    size_of("medium", 51865, 80, 1024, 24, 24),
    size_of("medium.en", 51864, 80, 1024, 24, 24),
    size_of("large-v2", 51865, 80, 1280, 32, 32),
    size_of("large-v3", 51866, 128, 1280, 32, 32),
    size_of("large-v3-turbo", 51866, 128, 1280, 32, 4),
    size_of("distil-small.en", 51864, 80, 768, 12, 4),
    size_of("distil-medium.en", 51864, 80, 1024, 24, 2),
    size_of("distil-large-v2", 51865, 80, 1280, 32, 2),
    size_of("distil-large-v3", 51866, 128, 1280, 32, 2),
};

/// Fields under openai/whisper's names, in the order of its .pt files.
std::vector<std::pair<std::string, std::int64_t>> fields_of(const ModelDimensions& dims) {
  return {{"n_mels", dims.n_mels},
          {"n_vocab", dims.n_vocab},
          {"n_audio_ctx", dims.n_audio_ctx},
          {"n_audio_state", dims.n_audio_state},
          {"n_audio_head", dims.n_audio_head},
          {"n_audio_layer", dims.n_audio_layer},
          {"n_text_ctx", dims.n_text_ctx},
          {"n_text_state", dims.n_text_state},
          {"n_text_head", dims.n_text_head},
          {"n_text_layer", dims.n_text_layer}};
}

class Sizes : public testing::TestWithParam<Size> {
 protected:
  const ModelDimensions& dims() const { return GetParam().dims; }
  void expect_same(const ModelDimensions& found) const { EXPECT_EQ(fields_of(found), fields_of(dims())); }
};

TEST_P(Sizes, AreReadFromConfigJson) {
  const test::TempDir dir;
  const nlohmann::json config = {{"model_type", "whisper"},
                                 {"num_mel_bins", dims().n_mels},
                                 {"d_model", dims().n_audio_state},
                                 {"encoder_attention_heads", dims().n_audio_head},
                                 {"encoder_layers", dims().n_audio_layer},
                                 {"vocab_size", dims().n_vocab},
                                 {"decoder_attention_heads", dims().n_text_head},
                                 {"decoder_layers", dims().n_text_layer}};
  test::write_file(dir / "config.json", config.dump());
  expect_same(read_dimensions(dir.path()));
}

TEST_P(Sizes, AreReadFromGgml) {
  Memory memory;
  const std::string file = test::ggml::magic_and_dims(dims()) +
                           test::ggml::filters(static_cast<int>(dims().n_mels)) + test::le(0, 4);
  expect_same(read_ggml(test::as_bytes(file), "m.bin", memory).dims);
}

TEST_P(Sizes, AreReadFromTorch) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& [name, value] : fields_of(dims())) {
    values.emplace_back(name, test::pickle::integer(value));
  }
  const std::string state = test::pickle::dict({{"w", test::pickle::tensor({})}});
  const std::string program = test::pickle::program(
      test::pickle::dict({{"dims", test::pickle::dict(values)}, {"model_state_dict", state}}));
  const std::string file = test::zip_of(
      {{.name = "m/data.pkl", .data = program}, {.name = "m/data/0", .data = std::string(16, '\0')}});
  Memory memory;
  const TorchCheckpoint read = read_torch(test::as_bytes(file), "m.pt", memory);
  ASSERT_TRUE(read.dims.has_value());
  expect_same(*read.dims);
}

TEST_P(Sizes, HaveTheirNameTokensAndAlignmentHeads) {
  const test::TempDir dir;
  const std::string name = GetParam().name;
  const bool is_distilled = name.starts_with("distil");
  if (!is_distilled || name == "distil-large-v3") {
    EXPECT_EQ(model_name(dir.path(), dims()), name);
  }
  const auto tokens = official_special_tokens(dims().n_vocab);
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->n_vocab(), dims().n_vocab);
  EXPECT_EQ(tokens->timestamp_begin() + 1501, dims().n_vocab);
  const auto heads = official_alignment_heads(dims(), name + ".bin");
  EXPECT_EQ(heads.empty(), is_distilled);
  for (const auto& [layer, head] : heads) {
    EXPECT_LT(layer, dims().n_text_layer);
    EXPECT_LT(head, dims().n_text_head);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sizes, testing::ValuesIn(kSizes), [](const auto& of) {
  std::string name = of.param.name;
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

}  // namespace
}  // namespace sotto::model::sources
