// Models laid out for other tools, read and written: optimum-intel's, the notebook's, whisper.cpp's.

#include "model/layouts.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openvino/openvino.hpp>

#include "model/graph_run.h"
#include "sotto/model.h"
#include "support/expect_error.h"

namespace sotto::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kTiny = test::source_dir() / "tests" / "golden" / "transcribe" / "tiny";

/// The prompt and the two tokens behind it that the golden scripts feed.
const std::vector<std::vector<std::int64_t>> kSteps = {{267, 268, 273, 12}, {40}, {300}};

json answers(const std::string& file) {
  return json::parse(test::read_file(test::source_dir() / "tests" / "golden" / file));
}

ov::Tensor mel() {
  ov::Tensor tensor(ov::element::f32, {1, 80, 3000});
  for (std::size_t i = 0; i < tensor.get_size(); ++i) {
    tensor.data<float>()[i] = static_cast<float>(std::sin(static_cast<double>(i) * 0.37));
  }
  return tensor;
}

ov::Tensor ids_of(const std::vector<std::int64_t>& tokens) {
  ov::Tensor tensor(ov::element::i64, {1, tokens.size()});
  std::copy(tokens.begin(), tokens.end(), tensor.data<std::int64_t>());
  return tensor;
}

ov::Tensor hear(const WhisperModel& model) {
  ov::InferRequest request = test::compile(model.encoder);
  request.set_tensor("input_features", mel());
  request.infer();
  return request.get_tensor("last_hidden_state");
}

/// The last token's logits, every 16th, after each of kSteps.
std::vector<std::vector<float>> say(const WhisperModel& model, const ov::Tensor& hidden) {
  ov::InferRequest request = test::compile(model.decoder);
  const bool keeps_state = model.layout == Layout::openvino;
  const std::size_t n_caches = keeps_state ? 0 : model.decoder->inputs().size() - 2;
  for (std::size_t i = 0; i < n_caches; ++i) {
    request.set_input_tensor(2 + i, ov::Tensor(ov::element::f32, {1, 0, hidden.get_shape()[2]}));
  }
  request.set_tensor("encoder_hidden_states", hidden);
  std::vector<std::vector<float>> said;
  for (const auto& tokens : kSteps) {
    request.set_tensor("input_ids", ids_of(tokens));
    if (keeps_state) {
      ov::Tensor rows(ov::element::i32, {1});
      *rows.data<std::int32_t>() = 0;
      request.set_tensor("beam_idx", rows);
    }
    request.infer();
    const ov::Tensor logits = request.get_tensor("logits");
    const std::size_t n_vocab = logits.get_shape()[2];
    said.emplace_back();
    for (std::size_t i = 0; i < n_vocab; i += 16) {
      said.back().push_back(logits.data<const float>()[logits.get_size() - n_vocab + i]);
    }
    for (std::size_t i = 0; i < n_caches; ++i) {
      const ov::Tensor grown = request.get_output_tensor(1 + i);
      ov::Tensor next(ov::element::f32, grown.get_shape());
      grown.copy_to(next);
      request.set_input_tensor(2 + i, next);
    }
  }
  return said;
}

void expect_close(const std::vector<std::vector<float>>& got,
                  const std::vector<std::vector<float>>& expected,
                  float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t step = 0; step < got.size(); ++step) {
    ASSERT_EQ(got[step].size(), expected[step].size());
    float largest = 0.0F;
    for (std::size_t i = 0; i < got[step].size(); ++i) {
      largest = std::max(largest, std::abs(got[step][i] - expected[step][i]));
    }
    EXPECT_LT(largest, tolerance) << "step " << step;
  }
}

void expect_answers(const WhisperModel& model, const json& golden, float tolerance) {
  const ov::Tensor hidden = hear(model);
  const auto encoder = golden.at("encoder").get<std::vector<float>>();
  const std::size_t n_state = hidden.get_shape()[2];
  float largest = 0.0F;
  for (std::size_t i = 0; i < encoder.size(); ++i) {
    const std::size_t frame = i / n_state * 50;
    largest =
        std::max(largest, std::abs(hidden.data<const float>()[frame * n_state + i % n_state] - encoder[i]));
  }
  EXPECT_LT(largest, tolerance);
  expect_close(say(model, hidden), golden.at("logits_every_16th").get<std::vector<std::vector<float>>>(),
               tolerance);
}

// The CPU plugin's sums are of another order than in the run that made the golden; logits are about 10.
constexpr float kSame = 2e-3F;

class NotebookPair : public testing::Test {
 protected:
  NotebookPair() { test::copy_layout("layouts/notebook", dir_.path()); }
  fs::path fp() const { return dir_ / "whisper_tiny_encoder.xml"; }
  fs::path int8() const { return dir_ / "whisper_tiny_decoder_int8.xml"; }
  test::TempDir dir_;
};

TEST_F(NotebookPair, RunsAsItIs) {
  const json golden = answers("layouts/notebook/pair.json");
  const WhisperModel model = load(fp());
  EXPECT_EQ(model.layout, Layout::notebook);
  EXPECT_EQ(model.name, "tiny");
  EXPECT_EQ(model.dims.n_text_layer, 2);
  EXPECT_EQ(model.dims.n_audio_head, 2);
  EXPECT_EQ(model.dims.n_vocab, 1779);
  expect_answers(model, golden.at("fp"), kSame);
  expect_answers(load(int8()), golden.at("int8"), kSame);
}

TEST_F(NotebookPair, LiftedSaysTheSame) {
  const json golden = answers("layouts/notebook/pair.json");
  for (const auto& [path, key] : {std::pair(fp(), "fp"), std::pair(int8(), "int8")}) {
    const WhisperModel lifted = lift(load(path));
    EXPECT_EQ(lifted.layout, Layout::openvino);
    EXPECT_EQ(lifted.decoder->get_variables().size(), 8U);
    expect_answers(lifted, golden.at(key), kSame);
  }
}

TEST_F(NotebookPair, LiftedIsSavedForOpenvinoGenaiWithItsWeightsUntouched) {
  const test::TempDir out;
  const WhisperModel saved = convert(int8(), out / "ir", {.lift = true});
  EXPECT_TRUE(fs::exists(out / "ir" / "openvino_decoder_model.xml"));
  EXPECT_TRUE(fs::exists(out / "ir" / "generation_config.json"));
  const auto before = load(int8());
  const auto quantizers = [](const ov::Model& graph) {
    const auto ops = graph.get_ops();
    return std::count_if(ops.begin(), ops.end(),
                         [](const auto& op) { return std::string(op->get_type_name()) == "FakeQuantize"; });
  };
  EXPECT_EQ(quantizers(*saved.decoder), quantizers(*before.decoder));
  expect_answers(saved, answers("layouts/notebook/pair.json").at("int8"), kSame);
}

TEST_F(NotebookPair, KeepsTheNamesThatTheNotebookFeeds) {
  const test::TempDir out;
  save(load(int8()), out / "again");
  const auto decoder = ov::Core().read_model((out / "again" / "whisper_tiny_decoder_int8.xml").string());
  EXPECT_EQ(decoder->input(0).get_names(), std::unordered_set<std::string>{"x"});
  EXPECT_EQ(decoder->input(1).get_names(), std::unordered_set<std::string>{"xa"});
  EXPECT_EQ(load(out / "again").name, "tiny");
}

TEST_F(NotebookPair, IsNamedWhereThereAreSeveral) {
  EXPECT_TRUE(is_ir_directory(dir_.path()));
  test::expect_error([&] { load(dir_.path()); }, ErrorCode::invalid_argument,
                     "found whisper_tiny_encoder.xml, whisper_tiny_encoder_int8.xml");
}

TEST_F(NotebookPair, NeedsATokenizerForAVocabularyThatIsNotWhispers) {
  fs::remove(dir_ / "tokenizer.json");
  test::expect_error([&] { load(fp()); }, ErrorCode::not_found, "tokenizer.json");
}

TEST_F(NotebookPair, RefusesPortsThatDoNotFit) {
  fs::copy_file(fp(), dir_ / "whisper_x_encoder.xml");
  fs::copy_file(dir_ / "whisper_tiny_encoder.bin", dir_ / "whisper_x_encoder.bin");
  fs::copy_file(fp(), dir_ / "whisper_x_decoder.xml");
  fs::copy_file(dir_ / "whisper_tiny_encoder.bin", dir_ / "whisper_x_decoder.bin");
  test::expect_error([&] { load(dir_ / "whisper_x_encoder.xml"); }, ErrorCode::bad_format,
                     "whisper_x_decoder.xml: expected tokens, the encoder's output and two caches");
}

TEST_F(NotebookPair, RefusesADirectoryThatHoldsOtherPairs) {
  const test::TempDir out;
  save(load(fp()), out / "pair");
  test::expect_error([&] { save(load(int8()), out / "pair"); }, ErrorCode::io, "whisper_tiny_");
  EXPECT_TRUE(fs::exists(out / "pair" / "whisper_tiny_encoder.xml"));
}

TEST(OptimumDirectory, WithStateAndInt8WeightsRuns) {
  const json golden = answers("optimum/answers.json");
  for (const char* name : {"stateful", "int8"}) {
    const test::TempDir dir;
    test::copy_layout(std::string("optimum/") + name, dir.path());
    expect_answers(load(dir.path()), golden.at(name), kSame);
  }
}

TEST(OptimumDirectory, WithPastSaysTheSame) {
  const json golden = answers("optimum/answers.json");
  for (const auto& [name, same] : {std::pair("with_past", "stateful"), {"with_past_int8", "int8"}}) {
    SCOPED_TRACE(name);
    const test::TempDir dir;
    test::copy_layout(std::string("optimum/") + name, dir.path());
    const WhisperModel model = load(dir.path());
    EXPECT_EQ(model.decoder->get_variables().size(), 8U);
    expect_answers(model, golden.at(same), kSame);
  }
}

TEST(OptimumDirectory, WithPastNamesAMissingPort) {
  const test::TempDir dir;
  test::copy_layout("optimum/with_past", dir.path());
  fs::copy_file(dir / "openvino_decoder_model.xml", dir / "openvino_decoder_with_past_model.xml",
                fs::copy_options::overwrite_existing);
  fs::copy_file(dir / "openvino_decoder_model.bin", dir / "openvino_decoder_with_past_model.bin",
                fs::copy_options::overwrite_existing);
  test::expect_error([&] { load(dir.path()); }, ErrorCode::bad_format, "past_key_values.0.decoder.key");
}

TEST(NotebookLayout, SaysWhatTheDefaultOneSays) {
  const test::TempDir out;
  const WhisperModel model = convert(kTiny, out / "pair", {.layout = Layout::notebook});
  const WhisperModel plain = build(kTiny);
  const ov::Tensor hidden = hear(plain);
  expect_close(say(model, hidden), say(plain, hidden), kSame);
  const auto decoder =
      ov::Core().read_model((out / "pair" / ("whisper_" + model.name + "_decoder.xml")).string());
  EXPECT_EQ(decoder->input(0).get_names(), std::unordered_set<std::string>{"x"});
  EXPECT_EQ(decoder->input(1).get_names(), std::unordered_set<std::string>{"xa"});
  EXPECT_EQ(decoder->inputs().size(), 6U);
  EXPECT_EQ(decoder->outputs().size(), 5U);
  expect_close(say(lift(model), hidden), say(plain, hidden), kSame);
}

TEST(NotebookLayout, SaysWhatTheNotebooksPairSays) {
  const test::TempDir out;
  convert(kTiny, out / "pair", {.layout = Layout::notebook});
  expect_answers(load(out / "pair"), answers("layouts/notebook/pair.json").at("fp"), kSame);
}

TEST(WhisperCppLayout, IsAnEncoderOfFixedShapeUnderItsName) {
  const test::TempDir out;
  convert(kTiny, out / "encoder", {.layout = Layout::whisper_cpp});
  const fs::path xml = out / "encoder" / "ggml-tiny-encoder-openvino.xml";
  ASSERT_TRUE(fs::exists(xml));
  const auto encoder = ov::Core().read_model(xml.string());
  EXPECT_EQ(encoder->input().get_partial_shape(), (ov::PartialShape{1, 80, 3000}));
  EXPECT_EQ(encoder->output().get_partial_shape(), (ov::PartialShape{1, 1500, 32}));
  EXPECT_EQ(measure_size(out / "encoder").encoder_bytes,
            fs::file_size(fs::path(xml).replace_extension(".bin")));
  EXPECT_EQ(measure_size(out / "encoder").decoder_bytes, 0U);
}

// Where the order of sums differs, a value may round to the next step of a quantizer: how far outputs, about
// 1, move on average.
constexpr double kQuantizerSteps = 0.01;

/// What an encoder alone answers to mel(), as whisper.cpp asks it: by position.
std::vector<float> hear_alone(const fs::path& xml) {
  ov::InferRequest request = test::compile(ov::Core().read_model(xml.string()));
  request.set_input_tensor(mel());
  request.infer();
  const ov::Tensor hidden = request.get_output_tensor();
  return {hidden.data<const float>(), hidden.data<const float>() + hidden.get_size()};
}

TEST(WhisperCppLayout, TakesTheEncoderOfAnIrWithItsQuantizers) {
  const test::TempDir dir;
  test::copy_layout("layouts/notebook", dir / "pair");
  test::copy_layout("optimum/int8", dir / "int8");
  for (const fs::path& ir : {dir / "pair" / "whisper_tiny_encoder_int8.xml", dir / "int8"}) {
    SCOPED_TRACE(ir);
    const fs::path out = dir / "out";
    const WhisperModel model = convert(ir, out, {.layout = Layout::whisper_cpp});
    EXPECT_EQ(model.decoder, nullptr);
    const fs::path xml =
        out / ("ggml-" + std::string(fs::is_directory(ir) ? "int8" : "tiny") + "-encoder-openvino.xml");
    ASSERT_TRUE(fs::exists(xml));
    EXPECT_EQ(ov::Core().read_model(xml.string())->input().get_partial_shape(),
              (ov::PartialShape{1, 80, 3000}));
    EXPECT_LT(measure_size(out).encoder_bytes, measure_size(ir).encoder_bytes + 1000);
    const ov::Tensor expected = hear(load(ir));
    const std::vector<float> got = hear_alone(xml);
    ASSERT_EQ(got.size(), expected.get_size());
    double moved = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      moved += std::abs(got[i] - expected.data<const float>()[i]);
    }
    EXPECT_LT(moved / static_cast<double>(got.size()), kQuantizerSteps);
    fs::remove_all(out);
  }
}

TEST(WhisperCppLayout, IsNamedAsWhisperCppLooksForIt) {
  const test::TempDir dir;
  const fs::path sources = test::source_dir() / "tests" / "golden" / "sources";
  fs::copy_file(sources / "ggml-q5_0.bin", dir / "ggml-own.en-q5_0.bin");
  fs::copy_file(sources / "tokenizer.json", dir / "tokenizer.json");
  const WhisperModel model = build(dir / "ggml-own.en-q5_0.bin", {.layout = Layout::whisper_cpp});
  EXPECT_EQ(model.name, "own.en");
}

TEST(Convert, RefusesToChangeTheLayoutOfAnIr) {
  const test::TempDir out;
  convert(kTiny, out / "ir");
  test::expect_error([&] { convert(out / "ir", out / "pair", {.layout = Layout::notebook}); },
                     ErrorCode::invalid_argument, "stay as they are");
  test::expect_error([&] { convert(out / "ir", out / "lifted", {.lift = true}); },
                     ErrorCode::invalid_argument, "expected a notebook's pair to lift");
  test::expect_error([&] { convert(kTiny, out / "lifted", {.lift = true}); }, ErrorCode::invalid_argument,
                     "found a checkpoint");
  EXPECT_FALSE(fs::exists(out / "pair"));
  EXPECT_FALSE(fs::exists(out / "lifted"));
}

TEST(Bf16Weights, AreStoredAndSayNearlyTheSame) {
  const test::TempDir out;
  const WhisperModel model = convert(kTiny, out / "ir", {.weight_format = WeightFormat::bf16});
  std::size_t n_bf16 = 0;
  for (const auto& op : model.decoder->get_ops()) {
    n_bf16 += op->get_output_size() == 1 && op->get_element_type() == ov::element::bf16 ? 1U : 0U;
  }
  EXPECT_GT(n_bf16, 20U);
  EXPECT_LT(measure_size(out / "ir").decoder_bytes, 300'000U);
  const WhisperModel plain = build(kTiny);
  const ov::Tensor hidden = hear(plain);
  expect_close(say(model, hidden), say(plain, hidden), 0.5F);
}

}  // namespace
}  // namespace sotto::model
