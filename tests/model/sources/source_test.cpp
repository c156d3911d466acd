#include "model/sources/source.h"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/sources/archive_writer.h"
#include "model/sources/openai_names.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace sotto::model::sources {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = test::golden_dir("sources");

void copy_golden(const std::string& from, const fs::path& to) {
  fs::copy_file(kGolden / from, to);
}

/// Values of an f32 or f16 tensor.
std::vector<float> values_of(const TensorView& tensor) {
  std::vector<float> values;
  const std::size_t width = tensor.dtype == DType::f32 ? 4 : 2;
  for (std::size_t at = 0; at < tensor.bytes.size(); at += width) {
    float value = 0;
    if (width == 4) {
      std::memcpy(&value, tensor.bytes.data() + at, width);
    } else {
      _Float16 half = 0;
      std::memcpy(&half, tensor.bytes.data() + at, width);
      value = static_cast<float>(half);
    }
    values.push_back(value);
  }
  return values;
}

void expect_golden_dims(const ModelDimensions& dims) {
  EXPECT_EQ(dims.n_mels, 8);
  EXPECT_EQ(dims.n_audio_ctx, 10);
  EXPECT_EQ(dims.n_audio_state, 32);
  EXPECT_EQ(dims.n_audio_head, 2);
  EXPECT_EQ(dims.n_audio_layer, 1);
  EXPECT_EQ(dims.n_vocab, 280);
  EXPECT_EQ(dims.n_text_ctx, 16);
  EXPECT_EQ(dims.n_text_state, 32);
  EXPECT_EQ(dims.n_text_head, 2);
  EXPECT_EQ(dims.n_text_layer, 1);
}

/// Every tensor the graphs need equals that of model.safetensors, shape and values.
void expect_golden_tensors(const Source& source) {
  const Source golden = open_source(kGolden / "model.safetensors");
  for (const std::string& name : required_tensors(source.dims)) {
    SCOPED_TRACE(name);
    const TensorView& expected = golden.tensors.at("model." + name);
    const TensorView& found = source.tensors.at("model." + name);
    EXPECT_EQ(found.shape, expected.shape);
    EXPECT_EQ(values_of(found), values_of(expected));
  }
}

TEST(OpenSource, ReadsOneModelAlikeFromEveryForm) {
  const test::TempDir dir;
  copy_golden("config.json", dir / "config.json");
  for (const std::string file :
       {"openai.pt", "ggml-f32.bin", "ggml-f16.bin", "pytorch_model.bin", "model.safetensors"}) {
    SCOPED_TRACE(file);
    copy_golden(file, dir / file);
    const Source source = open_source(dir / file);
    expect_golden_dims(source.dims);
    expect_golden_tensors(source);
    EXPECT_EQ(source.path, dir / file);
    EXPECT_EQ(source.directory, dir.path());
  }
}

TEST(OpenSource, ToldByContentNotByName) {
  const test::TempDir dir;
  copy_golden("openai.pt", dir / "whisper.bin");
  copy_golden("ggml-q5_0.bin", dir / "whisper.pt");
  EXPECT_EQ(open_source(dir / "whisper.bin").kind, Source::Kind::openai);
  const Source ggml = open_source(dir / "whisper.pt");
  EXPECT_EQ(ggml.kind, Source::Kind::ggml);
  EXPECT_EQ(ggml.tokens.size(), 264U);
}

TEST(OpenSource, ReadsDirectories) {
  const test::TempDir dir;
  copy_golden("config.json", dir / "config.json");
  test::expect_error([&] { open_source(dir.path()); }, ErrorCode::not_found, "expected model.safetensors");
  copy_golden("pytorch_model.bin", dir / "pytorch_model.bin");
  expect_golden_tensors(open_source(dir.path()));
  copy_golden("model.safetensors", dir / "model.safetensors");
  fs::remove(dir / "pytorch_model.bin");
  expect_golden_tensors(open_source(dir.path()));
  EXPECT_EQ(open_source(dir.path()).kind, Source::Kind::huggingface);
}

TEST(OpenSource, ReadsShardsOfTorch) {
  const test::TempDir dir;
  const auto index = [&](const std::string& file) {
    test::write_file(dir / "pytorch_model.bin.index.json", R"({"weight_map": {"w": ")" + file + "\"}}");
  };
  copy_golden("config.json", dir / "config.json");
  copy_golden("pytorch_model.bin", dir / "pytorch_model-00001-of-00001.bin");
  index("pytorch_model-00001-of-00001.bin");
  expect_golden_tensors(open_source(dir.path()));
  for (const std::string file : {"../x.bin", "/etc/passwd", ".."}) {
    index(file);
    test::expect_error([&] { open_source(dir.path()); }, ErrorCode::bad_format,
                       "expected names of files beside it");
  }
  index("absent.bin");
  test::expect_error([&] { open_source(dir.path()); }, ErrorCode::not_found, "absent.bin");
  test::write_file(dir / "pytorch_model.bin.index.json",
                   R"({"weight_map": {"a": "pytorch_model-00001-of-00001.bin", "b": "again.bin"}})");
  copy_golden("pytorch_model.bin", dir / "again.bin");
  test::expect_error([&] { open_source(dir.path()); }, ErrorCode::bad_format, "is in another shard too");
}

/// A torch.save file of zeros under openai/whisper's names, without "dims"; `leave_out` is not in it.
std::string bare_openai_file(const std::string& leave_out = "") {
  std::vector<std::pair<std::string, std::string>> items;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& size) {
    std::vector<std::int64_t> stride(size.size(), 1);
    for (std::size_t i = size.size(); i-- > 1;) {
      stride[i - 1] = stride[i] * size[i];
    }
    if (name != leave_out) {
      items.emplace_back(
          name, test::pickle::tensor(
                    {.storage = "HalfStorage", .n_elements = 40000, .size = size, .stride = stride}));
    }
  };
  add("encoder.conv1.weight", {128, 80, 3});
  add("encoder.conv2.weight", {128, 3, 3});
  add("encoder.positional_embedding", {20, 128});
  add("decoder.token_embedding.weight", {300, 128});
  add("decoder.positional_embedding", {30, 128});
  for (const char* name : {"encoder.conv1.bias", "encoder.conv2.bias", "encoder.ln_post.weight",
                           "encoder.ln_post.bias", "decoder.ln.weight", "decoder.ln.bias"}) {
    add(name, {128});
  }
  for (const std::string block : {"encoder.blocks.0.", "encoder.blocks.1.", "decoder.blocks.0."}) {
    for (const std::string part : {"attn", "cross_attn"}) {
      if (part == "cross_attn" && block.starts_with("encoder")) {
        continue;
      }
      for (const char* tensor : {".query.weight", ".query.bias", ".key.weight", ".value.weight",
                                 ".value.bias", ".out.weight", ".out.bias", "_ln.weight", "_ln.bias"}) {
        add(block + part + tensor, {128});
      }
    }
    for (const char* tensor :
         {"mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias", "mlp_ln.weight", "mlp_ln.bias"}) {
      add(block + tensor, {128});
    }
  }
  return test::zip_of({{.name = "m/data.pkl", .data = test::pickle::program(test::pickle::dict(items))},
                       {.name = "m/data/0", .data = std::string(80000, '\0')}});
}

TEST(OpenSource, TakesDimensionsFromShapesWhereThereAreNone) {
  const test::TempDir dir;
  test::write_file(dir / "m.pt", bare_openai_file());
  const ModelDimensions dims = open_source(dir / "m.pt").dims;
  EXPECT_EQ(dims.n_mels, 80);
  EXPECT_EQ(dims.n_audio_ctx, 20);
  EXPECT_EQ(dims.n_audio_state, 128);
  EXPECT_EQ(dims.n_audio_head, 2);
  EXPECT_EQ(dims.n_audio_layer, 2);
  EXPECT_EQ(dims.n_vocab, 300);
  EXPECT_EQ(dims.n_text_ctx, 30);
  EXPECT_EQ(dims.n_text_layer, 1);
}

TEST(OpenSource, NamesAMissingTensor) {
  const test::TempDir dir;
  test::write_file(dir / "m.pt", bare_openai_file("decoder.blocks.0.cross_attn.key.weight"));
  test::expect_error([&] { open_source(dir / "m.pt"); }, ErrorCode::bad_format,
                     "found no decoder.layers.0.encoder_attn.k_proj.weight");
  test::write_file(dir / "m.pt", bare_openai_file("encoder.conv1.weight"));
  test::expect_error([&] { open_source(dir / "m.pt"); }, ErrorCode::bad_format,
                     "field \"n_mels\": expected 1 to");
}

TEST(OpenSource, RefusesWhatIsNoCheckpoint) {
  const test::TempDir dir;
  test::expect_error([&] { open_source(dir / "absent.pt"); }, ErrorCode::not_found, "absent.pt");
  test::write_file(dir / "empty.pt", "");
  test::expect_error([&] { open_source(dir / "empty.pt"); }, ErrorCode::bad_format,
                     "expected a file with content");
  test::write_file(dir / "text.pt", "hello");
  test::expect_error([&] { open_source(dir / "text.pt"); }, ErrorCode::bad_format,
                     "begins like none of them");
  test::write_file(dir / "other.bin", test::torch_file_of({}));
  test::expect_error([&] { open_source(dir / "other.bin"); }, ErrorCode::not_found, "config.json");
}

TEST(OpenSource, RefusesDimensionsThatCannotBe) {
  const test::TempDir dir;
  std::string file = test::read_file(kGolden / "ggml-q4_0.bin");
  const auto refuse = [&](std::size_t field, std::uint64_t value, const std::string& part) {
    std::string changed = file;
    changed.replace(4 + 4 * field, 4, test::le(value, 4));
    test::write_file(dir / "m.bin", changed);
    test::expect_error([&] { open_source(dir / "m.bin"); }, ErrorCode::bad_format, part);
  };
  refuse(3, 3, "expected one width for encoder and decoder that its heads divide, found 32 with 3 heads");
  refuse(3, 33, "field \"n_audio_head\": expected 1 to 32, found 33");
  refuse(6, 64, "found 32 with 2 heads and 64 with 2 heads");
  refuse(8, 2, "of a Whisper with 1 + 2 layers, found no decoder.layers.1");
  refuse(8, 999'999, "field \"n_text_layer\": expected 1 to 1000");
}

}  // namespace
}  // namespace sotto::model::sources
