#include <string>

#include <gtest/gtest.h>

#include "sotto/model.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

const std::string kConfig = R"({"model_type": "whisper", "d_model": 64, "encoder_layers": 2,
  "encoder_attention_heads": 4, "decoder_layers": 3, "decoder_attention_heads": 4, "vocab_size": 230})";

TEST(ReadDimensions, TakesWhispersDefaultsForWhatTheFileLacks) {
  const test::TempDir dir;
  test::write_file(dir / "config.json", kConfig);
  const ModelDimensions dims = read_dimensions(dir.path());
  EXPECT_EQ(dims.n_mels, 80);
  EXPECT_EQ(dims.n_audio_ctx, 1500);
  EXPECT_EQ(dims.n_audio_state, 64);
  EXPECT_EQ(dims.n_text_layer, 3);
  EXPECT_EQ(dims.n_vocab, 230);
  EXPECT_EQ(dims.n_text_ctx, 448);
}

TEST(ReadDimensions, NamesTheFieldItCannotUse) {
  const test::TempDir dir;
  test::expect_error([&] { read_dimensions(dir.path()); }, ErrorCode::not_found, "config.json");
  test::write_file(dir / "config.json", R"({"model_type": "wav2vec2"})");
  test::expect_error([&] { read_dimensions(dir.path()); }, ErrorCode::unsupported, "found wav2vec2");
  test::write_file(dir / "config.json", R"({"encoder_layers": 2})");
  test::expect_error([&] { read_dimensions(dir.path()); }, ErrorCode::bad_format, "\"d_model\" is missing");
  for (const std::string value : {"0", "-64", "64.5", "\"64\"", "99999999999999999999"}) {
    test::write_file(dir / "config.json", "{\"d_model\": " + value + "}");
    test::expect_error([&] { read_dimensions(dir.path()); }, ErrorCode::bad_format, "\"d_model\"");
  }
  std::string uneven = kConfig;
  uneven.replace(uneven.find("64"), 2, "66");
  test::write_file(dir / "config.json", uneven);
  test::expect_error([&] { read_dimensions(dir.path()); }, ErrorCode::bad_format, "divisor of d_model = 66");
}

}  // namespace
}  // namespace sotto::model
