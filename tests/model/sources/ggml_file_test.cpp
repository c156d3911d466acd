#include "model/sources/ggml_file.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/sources/ggml_writer.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace sotto::model::sources {
namespace {

using test::as_bytes;
using test::le;
using test::ggml::tensor;

/// A ggml file without tensors: width 32, 280 tokens of which two are written, filters for two mels.
std::string header(std::int64_t n_vocab = 280,
                   std::int64_t n_mels = 2,
                   const std::string& filters = test::ggml::filters(2)) {
  const ModelDimensions dims = {.n_mels = n_mels,
                                .n_audio_ctx = 10,
                                .n_audio_state = 32,
                                .n_audio_head = 2,
                                .n_audio_layer = 1,
                                .n_vocab = n_vocab,
                                .n_text_ctx = 16,
                                .n_text_state = 32,
                                .n_text_head = 2,
                                .n_text_layer = 1};
  return test::ggml::magic_and_dims(dims) + filters + le(2, 4) + le(1, 4) + "a" + le(0, 4);
}

void expect_refused(const std::string& file,
                    const std::string& part,
                    ErrorCode code = ErrorCode::bad_format) {
  Memory memory;
  test::expect_error([&] { read_ggml(as_bytes(file), "m.bin", memory); }, code, part);
}

TEST(GgmlFile, ReadsDimensionsAndTokens) {
  Memory memory;
  const std::string file = header();
  const GgmlCheckpoint read = read_ggml(as_bytes(file), "m.bin", memory);
  EXPECT_EQ(read.dims.n_vocab, 280);
  EXPECT_EQ(read.dims.n_audio_ctx, 10);
  EXPECT_EQ(read.dims.n_text_ctx, 16);
  EXPECT_EQ(read.dims.n_mels, 2);
  EXPECT_EQ(read.tokens, std::vector<std::string>({"a", ""}));
  EXPECT_TRUE(read.tensors.empty());
}

TEST(GgmlFile, ReversesShapesAndFlattensBiasesOfConvolutions) {
  Memory memory;
  const std::string file = header() + tensor("w", 1, {3, 2}, std::string(12, 'x')) +
                           tensor("c.bias", 0, {1, 2}, std::string(8, 'x'));
  const GgmlCheckpoint read = read_ggml(as_bytes(file), "m.bin", memory);
  EXPECT_EQ(read.tensors.at("w").shape, std::vector<std::size_t>({2, 3}));
  EXPECT_EQ(read.tensors.at("w").dtype, DType::f16);
  EXPECT_EQ(read.tensors.at("c.bias").shape, std::vector<std::size_t>({2}));
  EXPECT_EQ(read.tensors.at("c.bias").dtype, DType::f32);
  EXPECT_TRUE(memory.buffers.empty());
}

TEST(GgmlFile, RefusesABadHeader) {
  expect_refused("", "magic number");
  expect_refused("GGUF", "found another magic number");
  expect_refused(header(0), "n_vocab at offset 4: expected 1 to 1000000, found 0");
  expect_refused(header(-1), "found -1");
  expect_refused(header(0x7fffffff), "found 2147483647");
  expect_refused(header(1), "number of tokens at offset 1664: expected 0 to 1, found 2");
  expect_refused(header(280, 3), "mel filters: expected 3 × 201, found 2 × 201");
}

/// Filters for two mels of which one weight is another.
std::string changed_filters(std::size_t at, float weight) {
  constexpr std::size_t kSizes = 8;
  return test::ggml::filters(2).replace(kSizes + 4 * at, 4, le(std::bit_cast<std::uint32_t>(weight), 4));
}

TEST(GgmlFile, TakesWhispersMelFiltersToRounding) {
  Memory memory;
  for (const float weight : {0.0F, 9e-7F, -0.0F}) {
    const std::string file = header(280, 2, changed_filters(200, weight));
    EXPECT_EQ(read_ggml(as_bytes(file), "m.bin", memory).dims.n_mels, 2);
  }
}

TEST(GgmlFile, RefusesMelFiltersThatAreNotWhispers) {
  const auto refuse = [](std::size_t at, float weight, ErrorCode code, const std::string& part) {
    expect_refused(header(280, 2, changed_filters(at, weight)), "m.bin: mel filters: expected " + part, code);
  };
  const float nan = std::nanf("");
  refuse(0, nan, ErrorCode::bad_format, "weights of 0 or more, found nan in filter 0, bin 0");
  refuse(201 + 7, -nan, ErrorCode::bad_format, "weights of 0 or more, found -nan in filter 1, bin 7");
  refuse(401, INFINITY, ErrorCode::bad_format, "weights of 0 or more, found inf in filter 1, bin 200");
  refuse(3, -1e-9F, ErrorCode::bad_format, "weights of 0 or more, found -1e-09 in filter 0, bin 3");
  refuse(200, 2e-6F, ErrorCode::unsupported, "Whisper's, 0, found 2e-06 in filter 0, bin 200");
  const std::string none = le(2, 4) + le(201, 4) + std::string(2 * 201 * 4, '\0');
  expect_refused(header(280, 2, none), "mel filters: expected Whisper's, ", ErrorCode::unsupported);
}

TEST(GgmlFile, RefusesBadTensors) {
  const std::string good = header();
  expect_refused(good + le(5, 4), "number of dimensions of a tensor");
  expect_refused(good + le(1, 4) + le(0xffffffff, 4), "length of a tensor's name");
  expect_refused(good + tensor("w", 12, {256}, ""), "found type number 12", ErrorCode::unsupported);
  expect_refused(good + tensor("w", -1, {256}, ""), "found type number -1", ErrorCode::unsupported);
  expect_refused(good + tensor("w", 0, {4}, "x"), "tensor data at offset");
  expect_refused(good + tensor("w", 0, {-4}, ""), "tensor dimension");
  expect_refused(good + tensor("w", 0, {1'000'000, 1'000'000, 1'000'000, 1'000'000}, ""),
                 "is beyond the file");
  expect_refused(good + tensor("w", 8, {16, 2}, std::string(34, 'x')),
                 "rows of a multiple of 32 values for q8_0, found 16");
  const std::string twice = tensor("w", 0, {1}, "1234");
  expect_refused(good + twice + twice, "m.bin: \"w\": is there twice");
}

TEST(GgmlFile, RefusesValuesBeyondF16) {
  const std::string nan_scale = le(0x7e00, 2) + std::string(32, '\1');
  expect_refused(header() + tensor("w", 8, {32}, nan_scale), "found larger ones or NaN");
  const std::string large_scale = le(0x7bff, 2) + std::string(32, '\2');
  expect_refused(header() + tensor("w", 8, {32}, large_scale), "expected values within ±65504");
}

float f16_to_f32(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const auto fraction = static_cast<float>(bits & 1023);
  const float size =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024.0F + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

std::vector<float> f16_values(std::span<const std::byte> bytes) {
  std::vector<std::uint16_t> bits(bytes.size() / 2);
  std::memcpy(bits.data(), bytes.data(), bytes.size());
  std::vector<float> values;
  for (const std::uint16_t value : bits) {
    values.push_back(f16_to_f32(value));
  }
  return values;
}

class QuantizedGgml : public testing::TestWithParam<std::string> {};

// Rounding to f16 comes after a multiplication and an addition, which some processors fuse: one unit is
// allowed.
TEST_P(QuantizedGgml, DequantizesAsTheGolden) {
  const std::string file = test::read_file(test::golden_dir("sources") / ("ggml-" + GetParam() + ".bin"));
  const std::string golden = test::read_file(test::golden_dir("sources") / (GetParam() + ".f16"));
  Memory memory;
  const GgmlCheckpoint read = read_ggml(as_bytes(file), "m.bin", memory);
  const TensorView& tensor = read.tensors.at("decoder.blocks.0.mlp.0.weight");
  EXPECT_EQ(tensor.shape, std::vector<std::size_t>({128, 32}));
  EXPECT_EQ(tensor.dtype, DType::f16);
  EXPECT_EQ(tensor.dtype_name, GetParam());
  const std::vector<float> found = f16_values(tensor.bytes);
  const std::vector<float> expected = f16_values(as_bytes(golden));
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], std::abs(expected[i]) * 0x1p-10F) << i;
  }
}

// Half a step of the block: its largest value over 127 (q8_0), its range over 15 and 31, all over 2.
TEST_P(QuantizedGgml, IsWithinAStepOfTheUnquantizedWeights) {
  const auto weights = [&](const std::string& type, Memory& memory, const std::string& file) {
    return f16_values(
        read_ggml(as_bytes(file), type, memory).tensors.at("decoder.blocks.0.mlp.0.weight").bytes);
  };
  Memory memory;
  const std::string f16_file = test::read_file(test::golden_dir("sources") / "ggml-f16.bin");
  const std::string file = test::read_file(test::golden_dir("sources") / ("ggml-" + GetParam() + ".bin"));
  const std::vector<float> expected = weights("f16", memory, f16_file);
  const std::vector<float> found = weights(GetParam(), memory, file);
  const int n_steps = GetParam() == "q8_0" ? 254 : GetParam().starts_with("q5") ? 31 : 15;
  for (std::size_t block = 0; block < expected.size(); block += 32) {
    float largest = 0;
    for (std::size_t i = block; i < block + 32; ++i) {
      largest = std::max(largest, std::abs(expected[i]));
    }
    for (std::size_t i = block; i < block + 32; ++i) {
      EXPECT_NEAR(found[i], expected[i], 2.2F * largest / static_cast<float>(n_steps)) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(,
                         QuantizedGgml,
                         testing::Values("q4_0", "q4_1", "q5_0", "q5_1", "q8_0"),
                         [](const auto& type) { return type.param; });

}  // namespace
}  // namespace sotto::model::sources
