#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>

#include "model/graph_run.h"
#include "sotto/model.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

namespace fs = std::filesystem;
using ov::op::v0::Constant;

constexpr float kTolerance = 1e-3F;

std::map<std::string, std::string> files_of(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename().string()] = test::read_file(entry.path());
  }
  return files;
}

float encoder_difference(const WhisperModel& model) {
  const auto features = test::read_golden("turbo", "features");
  const auto hidden = test::read_golden("turbo", "hidden");
  return test::max_difference(test::encode_features(model.encoder, features), hidden.values);
}

class Save : public testing::TestWithParam<WeightFormat> {
 protected:
  ConvertOptions options() const { return {.weight_format = GetParam()}; }

  const test::TempDir dir;
};

INSTANTIATE_TEST_SUITE_P(Formats,
                         Save,
                         testing::Values(WeightFormat::fp16, WeightFormat::fp32),
                         [](const auto& test) { return test.param == WeightFormat::fp16 ? "fp16" : "fp32"; });

TEST_P(Save, GivesAModelThatComputesTheSame) {
  const WhisperModel model = convert(test::golden_dir("turbo"), dir / "ov", options());
  EXPECT_LT(encoder_difference(model), kTolerance);
  test::Decoder decoder(model.decoder);
  const auto hidden = test::read_golden("turbo", "hidden").at(0);
  decoder.start({{1, hidden.shape[0], hidden.shape[1]}, hidden.values});
  const auto ids = test::read_golden("turbo", "ids").at(0);
  const std::vector<std::int64_t> row(ids.values.begin(), ids.values.end());
  const auto logits = test::read_golden("turbo", "logits").at(0).at(0);
  EXPECT_LT(test::max_difference(decoder.step({row}, {0}), logits.values), kTolerance);
}

TEST_P(Save, WritesTheSameBytesAgain) {
  save(build(test::golden_dir("turbo")), dir / "a", options());
  save(build(test::golden_dir("turbo")), dir / "b", options());
  const auto a = files_of(dir / "a");
  const auto b = files_of(dir / "b");
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, content] : a) {
    EXPECT_TRUE(content == b.at(name)) << name;
  }
}

TEST_P(Save, StoresWeightsInTheFormatAskedForWhateverTheCheckpoints) {
  test::write_recoded("turbo", GetParam() == WeightFormat::fp16 ? "F32" : "F16", dir.path());
  convert(dir.path(), dir / "ov", options());
  const ModelSize size = measure_size(dir / "ov");
  const auto n_bytes =
      fs::file_size(test::golden_dir("turbo") / "model.safetensors");  // bf16, with a header of 4 %
  const std::uintmax_t n_expected = GetParam() == WeightFormat::fp16 ? n_bytes : 2 * n_bytes;
  EXPECT_NEAR(static_cast<double>(size.encoder_bytes + size.decoder_bytes), static_cast<double>(n_expected),
              0.1 * static_cast<double>(n_expected));
  EXPECT_GT(size.directory_bytes, size.encoder_bytes + size.decoder_bytes);
}

TEST_P(Save, KeepsScalesOfQuantizedGraphsInF32) {
  WhisperModel model = build(test::golden_dir("turbo"));
  const auto find = [&](const std::string& name) {
    for (const auto& node : model.encoder->get_ordered_ops()) {
      if (node->get_friendly_name() == name) {
        return node;
      }
    }
    throw std::runtime_error("no node " + name);
  };
  const auto f32 = [](float value) { return Constant::create(ov::element::f32, {1, 1, 1}, {value}); };
  const auto product = find("model.encoder.layers.0.fc1/MatMul");
  const auto quantized = std::make_shared<ov::op::v0::FakeQuantize>(
      product->input_value(0), f32(-1.2345678F), f32(1.2345678F), f32(-1.2345678F), f32(1.2345678F), 256);
  product->input(0).replace_source_output(quantized);
  const ov::Shape shape = product->get_input_shape(1);
  const auto i8 =
      Constant::create(ov::element::i8, shape, std::vector<std::int8_t>(ov::shape_size(shape), 3));
  const auto unscaled = std::make_shared<ov::op::v0::Convert>(i8, ov::element::f32);
  const auto scale =
      Constant::create(ov::element::f32, {shape[0], 1}, std::vector<float>(shape[0], 0.0123456789F));
  product->input(1).replace_source_output(std::make_shared<ov::op::v1::Multiply>(unscaled, scale));
  save(model, dir / "ov", options());

  std::size_t n_checked = 0;
  for (const auto& node : load(dir / "ov").encoder->get_ordered_ops()) {
    if (ov::is_type<ov::op::v0::FakeQuantize>(node)) {
      const auto low = ov::as_type_ptr<Constant>(node->get_input_node_shared_ptr(1));
      ASSERT_TRUE(low) << "a bound was compressed";
      EXPECT_EQ(low->cast_vector<float>()[0], -1.2345678F);
      ++n_checked;
    }
    const auto weights = ov::as_type_ptr<Constant>(node);
    if (weights && weights->get_element_type() == ov::element::i8) {
      const auto convert = weights->get_output_target_inputs(0).begin()->get_node();
      const auto multiply = convert->get_output_target_inputs(0).begin()->get_node();
      const auto stored = ov::as_type_ptr<Constant>(multiply->get_input_node_shared_ptr(1));
      ASSERT_TRUE(stored) << "a scale was compressed";
      EXPECT_EQ(stored->cast_vector<float>()[0], 0.0123456789F);
      ++n_checked;
    }
  }
  EXPECT_EQ(n_checked, 2U);
}

TEST(SaveDirectory, HoldsTheFilesOfTheCheckpointAndAWholeGenerationConfig) {
  const test::TempDir dir;
  test::write_recoded("turbo", "F16", dir.path());
  test::write_file(dir / "tokenizer.json", R"({"added_tokens": []})");
  test::write_file(dir / "generation_config.json", R"({"max_initial_timestamp_index": 25})");
  convert(dir.path(), dir / "ov");
  EXPECT_EQ(test::read_file(dir / "ov" / "config.json"), test::read_file(dir / "config.json"));
  EXPECT_TRUE(fs::exists(dir / "ov" / "tokenizer.json"));
  EXPECT_FALSE(fs::exists(dir / "ov" / "model.safetensors"));
  const std::string generation = test::read_file(dir / "ov" / "generation_config.json");
  for (const char* field : {"lang_to_id", "task_to_id", "alignment_heads", "no_timestamps_token_id",
                            "prev_sot_token_id", "is_multilingual", "\"max_initial_timestamp_index\": 25"}) {
    EXPECT_NE(generation.find(field), std::string::npos) << field;
  }
}

TEST(SaveDirectory, ReplacesAModelAndNothingElse) {
  const test::TempDir dir;
  const WhisperModel model = build(test::golden_dir("turbo"));
  fs::create_directory(dir / "ov");
  save(model, dir / "ov");
  test::write_file(dir / "ov" / "old.txt", "x");
  save(model, dir / "ov");
  EXPECT_FALSE(fs::exists(dir / "ov" / "old.txt"));

  fs::create_directory(dir / "letters");
  test::write_file(dir / "letters" / "dear.txt", "x");
  test::expect_error([&] { save(model, dir / "letters"); }, ErrorCode::io, "nothing was written");
  EXPECT_EQ(files_of(dir / "letters").size(), 1U);
}

TEST(SaveDirectory, CanReplaceTheModelItCameFrom) {
  const test::TempDir dir;
  const WhisperModel model = convert(test::golden_dir("turbo"), dir / "ov");
  save(model, dir / "ov", {.weight_format = WeightFormat::fp32});
  EXPECT_LT(encoder_difference(load(dir / "ov")), kTolerance);
}

TEST(SaveDirectory, TellsDevicesHowToRunTheDecoder) {
  const test::TempDir dir;
  const WhisperModel model = convert(test::golden_dir("turbo"), dir / "ov");
  const std::vector<std::string> scale = {"runtime_options", "ACTIVATIONS_SCALE_FACTOR"};
  const std::vector<std::string> cache = {"runtime_options", "KV_CACHE_PRECISION"};
  EXPECT_EQ(model.decoder->get_rt_info<std::string>(scale), "8.0");
  EXPECT_EQ(model.decoder->get_rt_info<std::string>(cache), "f16");
}

class Load : public testing::Test {
 protected:
  Load() { convert(test::golden_dir("turbo"), path()); }

  fs::path path() const { return dir / "ov"; }
  void expect_refused(ErrorCode code, const std::string& part) {
    test::expect_error([&] { load(path()); }, code, part);
  }
  void replace_in(const char* file, const std::string& from, const std::string& to) {
    std::string content = test::read_file(path() / file);
    const auto at = content.find(from);
    ASSERT_NE(at, std::string::npos);
    test::write_file(path() / file, content.replace(at, from.size(), to));
  }

  const test::TempDir dir;
};

TEST_F(Load, NamesTheFileThatIsMissing) {
  for (const char* file : {"openvino_decoder_model.bin", "openvino_decoder_model.xml",
                           "openvino_encoder_model.bin", "config.json", "openvino_encoder_model.xml"}) {
    fs::remove(path() / file);
    expect_refused(ErrorCode::not_found, file);
  }
}

TEST_F(Load, RefusesGraphsThatAreCutOff) {
  const std::string xml = test::read_file(path() / "openvino_encoder_model.xml");
  for (std::size_t n = 0; n < xml.size(); n += xml.size() / 20) {
    test::write_file(path() / "openvino_encoder_model.xml", xml.substr(0, n));
    expect_refused(ErrorCode::bad_format, "openvino_encoder_model.xml");
  }
}

TEST_F(Load, RefusesWeightsThatAreCutOff) {
  const std::string bin = test::read_file(path() / "openvino_decoder_model.bin");
  for (const std::size_t n : {std::size_t{0}, bin.size() / 2, bin.size() - 1}) {
    test::write_file(path() / "openvino_decoder_model.bin", bin.substr(0, n));
    expect_refused(ErrorCode::bad_format, "openvino_decoder_model.xml");
  }
}

TEST_F(Load, RefusesGraphsOfAnotherSize) {
  replace_in("config.json", "\"num_mel_bins\": 128", "\"num_mel_bins\": 80");
  expect_refused(ErrorCode::bad_format,
                 "\"input_features\": expected shape [?,80,60] as config.json says, found [?,128,60]");
  replace_in("config.json", "\"num_mel_bins\": 80", "\"num_mel_bins\": 128");
  replace_in("config.json", "\"vocab_size\": 90", "\"vocab_size\": 91");
  expect_refused(ErrorCode::bad_format, "\"logits\": expected shape [?,?,91]");
}

TEST_F(Load, RefusesGraphsThatAreNoWhisper) {
  fs::copy_file(path() / "openvino_encoder_model.xml", path() / "openvino_decoder_model.xml",
                fs::copy_options::overwrite_existing);
  fs::copy_file(path() / "openvino_encoder_model.bin", path() / "openvino_decoder_model.bin",
                fs::copy_options::overwrite_existing);
  expect_refused(ErrorCode::bad_format,
                 "openvino_decoder_model.xml: inputs: expected \"input_ids\", found input_features");
}

TEST_F(Load, IsRecognisedByItsEncoder) {
  EXPECT_TRUE(is_ir_directory(path()));
  EXPECT_FALSE(is_ir_directory(dir.path()));
  test::expect_error([&] { measure_size(dir.path()); }, ErrorCode::not_found, "openvino_encoder_model.xml");
}

}  // namespace
}  // namespace sotto::model
