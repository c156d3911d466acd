#include "engine/encoder.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openvino/core/graph_util.hpp>
#include <openvino/core/model.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>

#include "engine/choose_kernels.h"
#include "engine/read_encoder.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/model.h"
#include "sotto/recipe.h"
#include "support/sqnr.h"
#include "support/temp_dir.h"
#include "transcribe/session.h"

namespace sotto::engine {
namespace {

using Values = std::vector<float>;

/// How the bundled model's encoder is quantized, with a little of the bundled speech.
enum class Form { plain, parity, performance, some_in_fp };

const char* name_of(Form form) {
  constexpr std::array kNames = {"plain", "parity", "performance", "some_in_fp"};
  return kNames.at(static_cast<std::size_t>(form));
}

QuantizeWhisperOptions options_of(Form form) {
  QuantizeWhisperOptions options;
  options.calibration = test::source_dir() / "demo/data/calibration";
  options.samples = 2;
  options.transcribe.language = "en";
  if (form == Form::parity) {
    options.encoder.parity = quantize::Parity::nncf;
    options.decoder.parity = quantize::Parity::nncf;
  }
  if (form == Form::performance) {
    options.encoder.preset = quantize::Preset::performance;
  }
  if (form == Form::some_in_fp) {
    options.encoder.ignored_scope.patterns = {".*layers\\.1\\.fc.*",
                                              ".*layers\\.2\\.self_attn\\.(v|out)_proj.*"};
  }
  return options;
}

model::WhisperModel quantized(const QuantizeWhisperOptions& options) {
  const test::TempDir dir;
  quantize_whisper(test::source_dir() / "demo/model", dir / "int8", options);
  return model::load(dir / "int8");
}

const model::WhisperModel& model_of(Form form) {
  // Never destroyed: at exit OpenVINO's readers are gone, whose code the graphs' notes need.
  static auto& models = *new std::map<Form, model::WhisperModel>();
  const auto [at, is_new] = models.try_emplace(form);
  if (is_new) {
    at->second = quantized(options_of(form));
  }
  return at->second;
}

const model::WhisperModel& floating_point() {
  static const auto& model = *new model::WhisperModel(model::build(test::source_dir() / "demo/model"));
  return model;
}

const audio::LogMel& speech() {
  static const audio::LogMel mel = [] {
    std::vector<float> samples = audio::load_audio(test::source_dir() / "demo/media/en.flac");
    samples.resize(30 * audio::kSampleRateHz);
    return audio::log_mel_spectrogram(samples, 80);
  }();
  return mel;
}

Values openvino_of(const ov::Model& encoder, ov::element::Type precision) {
  ov::Core core;
  auto compiled = core.compile_model(encoder.clone(), "CPU", ov::hint::inference_precision(precision));
  ov::InferRequest request = compiled.create_infer_request();
  Values mel = speech().values;
  request.set_input_tensor({ov::element::f32, {1, 80, 3000}, mel.data()});
  request.infer();
  const ov::Tensor hidden = request.get_output_tensor();
  return {hidden.data<float>(), hidden.data<float>() + hidden.get_size()};
}

Values own_of(const ov::Model& encoder, SoftmaxPrecision softmax, const Kernels& kernels) {
  std::string why_not;
  auto weights = read_encoder(encoder, why_not);
  if (!weights) {
    throw std::runtime_error(why_not);
  }
  Values hidden(weights->n_frames * weights->n_state);
  Team team(3);
  Encoder own(*std::move(weights), softmax, team, kernels);
  own.run(speech().values, hidden);
  return hidden;
}

class EncoderTest : public testing::TestWithParam<Form> {
 protected:
  static const ov::Model& encoder() { return *model_of(GetParam()).encoder; }
};

TEST_P(EncoderTest, LosesNoMoreThanOpenvinoDoes) {
  const Values fp = openvino_of(*floating_point().encoder, ov::element::f32);
  const Values openvino = openvino_of(encoder(), ov::element::f32);
  const double least_db = test::sqnr_db(fp, openvino) - 0.5;
  for (const Kernels* kernels : all_kernels()) {
    const Values f32 = own_of(encoder(), SoftmaxPrecision::f32, *kernels);
    EXPECT_GT(test::sqnr_db(fp, f32), least_db) << kernels->name;
    EXPECT_GT(test::sqnr_db(fp, own_of(encoder(), SoftmaxPrecision::int8, *kernels)), least_db)
        << kernels->name;
    // What moves an input to the next of 256 levels is a small part of what the levels cost.
    EXPECT_GT(test::sqnr_db(openvino, f32), least_db + 3.0) << kernels->name;
  }
}

TEST_P(EncoderTest, IsTakenWhereItIsFaster) {
  for (const auto engine : {transcribe::Engine::automatic, transcribe::Engine::openvino}) {
    transcribe::Session session(model_of(GetParam()),
                                {.inference_precision = "f32", .threads = 2, .engine = engine});
    const bool is_own = engine == transcribe::Engine::automatic && encoder_kernels() != nullptr;
    const auto names = session.executed_kernels(transcribe::Stage::encoder);
    EXPECT_EQ(std::ranges::any_of(names, [](const auto& n) { return n.first.starts_with("sotto_"); }),
              is_own);
    EXPECT_EQ(session.inference_precision(), "f32");
    session.encode(speech());
    const std::array<transcribe::TokenId, 1> prompt = {3};
    EXPECT_EQ(session.start(prompt, 0).next[0].size(),
              static_cast<std::size_t>(model_of(GetParam()).dims.n_vocab));
  }
}

/// A config.json of other sizes, beside graphs whose shapes do not tell.
TEST(OwnSizes, OfOthersThanTheModelSaysAreRefused) {
  model::WhisperModel model = model_of(Form::plain);
  const auto expect_refused = [](const model::WhisperModel& of_other_sizes) {
    transcribe::Session session(of_other_sizes, {.inference_precision = "f32", .threads = 2});
    const auto n_mels = static_cast<int>(of_other_sizes.dims.n_mels);
    session.encode({n_mels, 3000, Values(static_cast<std::size_t>(n_mels) * 3000)});
    const std::array<transcribe::TokenId, 1> prompt = {3};
    session.start(prompt, 0);
  };
  model.encoder = model.encoder->clone();
  model.encoder->reshape(ov::PartialShape{-1, -1, -1});
  model.dims.n_mels = 128;
  EXPECT_THROW(expect_refused(model), Error);
  model.dims = model_of(Form::plain).dims;
  model.dims.n_vocab += 1000;
  EXPECT_THROW(expect_refused(model), Error);
}

INSTANTIATE_TEST_SUITE_P(Forms,
                         EncoderTest,
                         testing::Values(Form::plain, Form::parity, Form::performance, Form::some_in_fp),
                         [](const auto& test) { return name_of(test.param); });

std::string why_not(const ov::Model& encoder) {
  std::string reason;
  EXPECT_FALSE(read_encoder(encoder, reason).has_value());
  return reason;
}

std::shared_ptr<ov::Node> find(const ov::Model& model, const std::string& name) {
  for (const auto& node : model.get_ordered_ops()) {
    if (node->get_friendly_name().ends_with(name)) {
      return node;
    }
  }
  throw std::runtime_error("no node " + name);
}

void expect_refused(const std::function<void(ov::Model&)>& change, const std::string& reason) {
  const auto encoder = model_of(Form::plain).encoder->clone();
  change(*encoder);
  EXPECT_THAT(why_not(*encoder), testing::HasSubstr(reason));
}

TEST(ReadEncoder, LeavesFloatingPointToOpenvino) {
  EXPECT_THAT(why_not(*floating_point().encoder), testing::HasSubstr("is attended with in floating point"));
  QuantizeWhisperOptions options = options_of(Form::plain);
  options.encoder.attention_inputs = false;
  EXPECT_THAT(why_not(*quantized(options).encoder), testing::HasSubstr("is attended with in floating point"));
  options = options_of(Form::plain);
  options.encoder.ignored_scope.patterns = {".*conv1.*"};
  EXPECT_THAT(why_not(*quantized(options).encoder), testing::HasSubstr("conv"));
}

TEST(ReadEncoder, LeavesOtherGraphsToOpenvino) {
  expect_refused([](ov::Model& model) { model.add_output(find(model, "layers.1.fc1/MatMul")->output(0)); },
                 "it has inputs or outputs beside Whisper's");
  expect_refused(
      [](ov::Model& model) {
        ov::as_type_ptr<ov::op::v1::Convolution>(find(model, "conv2/Convolution"))->set_strides({1});
        ov::as_type_ptr<ov::op::v1::Convolution>(find(model, "conv2/Convolution"))->set_dilations({2});
      },
      "is of a convolution that is not Whisper's");
  expect_refused(
      [](ov::Model& model) {
        const auto node = find(model, "layers.0.self_attn/ScaledDotProductAttention");
        ov::as_type_ptr<ov::op::v13::ScaledDotProductAttention>(node)->set_causal(true);
      },
      "is masked");
  expect_refused(
      [](ov::Model& model) {
        const auto node = find(model, "layers.0.self_attn/ScaledDotProductAttention");
        node->input(3).replace_source_output(ov::op::v0::Constant::create(ov::element::f32, {}, {-1.0F}));
      },
      "is masked");
  expect_refused(
      [](ov::Model& model) {  // the grid of the convolution's input misses 0
        const auto node =
            ov::as_type_ptr<ov::op::v0::FakeQuantize>(find(model, "input_features/fq_output_0"));
        const auto low = ov::op::v0::Constant::create(ov::element::f32, {}, {-1.013F});
        const auto high = ov::op::v0::Constant::create(ov::element::f32, {}, {1.0F});
        for (const std::size_t port : {1, 3}) {
          node->input(port).replace_source_output(low);
          node->input(port + 1).replace_source_output(high);
        }
      },
      "has no level for 0");
  expect_refused(
      [](ov::Model& model) {
        const auto node = find(model, "encoder/Transpose");
        node->input(1).replace_source_output(ov::op::v0::Constant::create(ov::element::i64, {3}, {0, 1, 2}));
      },
      "arranges its values otherwise");
}

}  // namespace
}  // namespace sotto::engine
