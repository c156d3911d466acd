#include "engine/decoder.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openvino/core/graph_util.hpp>
#include <openvino/op/add.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/gelu.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/util/assign_base.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>

#include "engine/choose_kernels.h"
#include "engine/read_decoder.h"
#include "engine/window_projections.h"
#include "model/stateful.h"
#include "sotto/model.h"
#include "sotto/recipe.h"
#include "support/expect_error.h"
#include "support/sqnr.h"
#include "support/temp_dir.h"
#include "transcribe/session.h"
#include "transcribe/window_keys.h"

namespace sotto::engine {
namespace {

using transcribe::Engine;
using transcribe::Session;
using transcribe::TokenId;
using Ids = std::vector<TokenId>;
using Row = std::vector<float>;

/// Everything as it is, or quantized with a little of the bundled speech.
enum class Form {
  fp,
  int8,
  performance,
  layers_in_fp,
  int8_weights,
  attention,
  pair,
  stateless,
  optimum,
  notebook
};

const char* name_of(Form form) {
  constexpr std::array kNames = {"fp",        "int8", "performance", "layers_in_fp", "int8_weights",
                                 "attention", "pair", "stateless",   "optimum",      "notebook"};
  return kNames.at(static_cast<std::size_t>(form));
}

/// Random models as others quantized them, in INT8 with attention.
bool is_golden(Form form) {
  return form == Form::optimum || form == Form::notebook;
}

/// Of any form whose caches are inputs and outputs.
bool is_pair(Form form) {
  return form == Form::pair || form == Form::notebook;
}

model::WhisperModel load_golden(const char* topic) {
  const auto golden = test::source_dir() / "tests/golden";
  const test::TempDir dir;
  std::filesystem::copy(golden / "optimum/quantized/config.json", dir.path());
  for (const char* name : {"generation_config.json", "tokenizer.json"}) {
    std::filesystem::copy(golden / "transcribe/tiny" / name, dir.path());
  }
  using Options = std::filesystem::copy_options;
  std::filesystem::copy(golden / topic, dir.path(), Options::recursive | Options::skip_existing);
  return model::load(dir.path());
}

/// Cross-attention's keys and values without a state, as some exports have them.
void make_keys_at_every_step(ov::Model& decoder) {
  const ov::SinkVector sinks = decoder.get_sinks();
  for (const auto& sink : sinks) {
    const auto& assign = dynamic_cast<const ov::op::util::AssignBase&>(*sink);
    if (assign.get_variable_id().find(".encoder.") != std::string::npos) {
      const auto state = sink->get_input_node_shared_ptr(0);
      state->output(0).replace(state->input_value(0));
      decoder.remove_sink(sink);
      decoder.remove_variable(assign.get_variable());
    }
  }
}

model::WhisperModel make(Form form) {
  if (is_golden(form)) {
    return load_golden(form == Form::optimum ? "optimum/quantized" : "layouts/heads_of_64");
  }
  const auto checkpoint = test::source_dir() / "demo/model";
  if (form == Form::fp) {
    return model::build(checkpoint);
  }
  QuantizeWhisperOptions options;
  options.calibration = test::source_dir() / "demo/data/calibration";
  options.samples = 2;
  options.transcribe.language = "en";
  if (form == Form::performance) {
    options.decoder.preset = quantize::Preset::performance;
  }
  if (form == Form::layers_in_fp) {
    options.decoder.ignored_scope.patterns = {".*layers\\.1\\.fc.*", ".*layers\\.0\\.self_attn\\..*_proj.*"};
  }
  const test::TempDir dir;
  auto source = checkpoint;
  if (form == Form::int8_weights) {
    options.decoder_format = PartFormat::int8_weights;
  }
  options.decoder.attention_inputs = form == Form::attention || form == Form::pair;
  if (form == Form::pair) {
    model::convert(checkpoint, dir / "notebook", {.layout = model::Layout::notebook});
    source = dir / "notebook";
  }
  quantize_whisper(source, dir / "int8", options);
  const model::WhisperModel quantized = model::load(dir / "int8");
  if (form == Form::stateless) {
    make_keys_at_every_step(*quantized.decoder);
  }
  return quantized;
}

const model::WhisperModel& model_of(Form form) {
  // Never destroyed: at exit OpenVINO's readers are gone, whose code the graphs' notes need.
  static auto& models = *new std::map<Form, model::WhisperModel>();
  const auto [at, is_new] = models.try_emplace(form);
  if (is_new) {
    at->second = make(form);
    if (!is_golden(form)) {
      at->second.encoder =
          model::build(test::source_dir() / "demo/model").encoder;  // OpenVINO's in any session
    }
  }
  return at->second;
}

ov::Shape window_shape(const model::WhisperModel& model) {
  return {1, 1500, static_cast<std::size_t>(model.dims.n_audio_state)};
}

audio::LogMel window_of(float scale) {
  const std::size_t n_mels = 80;
  audio::LogMel mel{n_mels, audio::kWindowFrames, std::vector<float>(n_mels * audio::kWindowFrames)};
  for (std::size_t i = 0; i < mel.values.size(); ++i) {
    mel.values[i] = scale * static_cast<float>(i * 7919 % 1000) / 1000.0F;
  }
  return mel;
}

Row copy(std::span<const float> row) {
  return {row.begin(), row.end()};
}

class DecoderTest : public testing::TestWithParam<Form> {
 protected:
  static Session session(Engine engine, const std::string& precision = "f32") {
    const transcribe::SessionOptions options{
        .inference_precision = precision, .threads = 3, .engine = engine};
    // As a pair it would have every window at every step.
    const bool is_lifted = is_pair(GetParam()) && engine == Engine::openvino;
    return {is_lifted ? model::lift(model_of(GetParam())) : model_of(GetParam()), options};
  }

  /// In f32 only the order of additions differs; of an INT8 model that moves an input to the next of 256
  /// levels now and then, which is less than what the levels themselves cost. Of weights alone in 8 bits
  /// OpenVINO rounds the activations too, as it goes.
  static double least_db() { return GetParam() == Form::fp ? 90.0 : 34.0; }
  static void expect_equal(const Row& openvino, const Row& own) {
    ASSERT_EQ(openvino.size(), own.size());
    EXPECT_GT(test::sqnr_db(openvino, own), least_db());
  }
};

TEST_P(DecoderTest, RunsInLoopsOfItsOwn) {
  const auto is_own = [](const Session& s, transcribe::Stage stage) {
    return std::ranges::any_of(s.executed_kernels(stage),
                               [](const auto& n) { return n.first.starts_with("sotto_"); });
  };
  const Session own = session(Engine::automatic);
  EXPECT_TRUE(is_own(own, transcribe::Stage::decoder));
  EXPECT_EQ(is_own(own, transcribe::Stage::encoder), is_golden(GetParam()) && encoder_kernels() != nullptr);
  EXPECT_FALSE(is_own(session(Engine::openvino), transcribe::Stage::decoder));
}

TEST_P(DecoderTest, PromptsAndBeamsThatChangePlaces) {
  Session openvino = session(Engine::openvino);
  Session own = session(Engine::automatic);
  const auto both = [&](const auto& run) { expect_equal(run(openvino), run(own)); };
  for (Session* s : {&openvino, &own}) {
    s->encode(window_of(1.0F));
  }
  Ids prompt(150);  // more than are computed at once
  std::iota(prompt.begin(), prompt.end(), 3);
  both([&](Session& s) { return copy(s.start(prompt, 40).at_position); });
  both([&](Session& s) { return copy(s.start(prompt, 0).next[0]); });
  const std::vector<std::pair<Ids, std::vector<std::int32_t>>> steps = {
      {{7, 8, 9, 10, 11}, {0, 0, 0, 0, 0}}, {{12, 13, 14, 15, 16}, {4, 3, 3, 0, 1}}, {{17, 18}, {2, 2}}};
  for (const auto& [tokens, sources] : steps) {
    const transcribe::LogitRows expected = openvino.step(tokens, sources);
    const transcribe::LogitRows got = own.step(tokens, sources);
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      expect_equal(copy(expected[row]), copy(got[row]));
    }
  }
}

TEST_P(DecoderTest, BatchesWhoseWindowsEnd) {
  Session openvino = session(Engine::openvino);
  Session own = session(Engine::automatic);
  for (Session* s : {&openvino, &own}) {
    s->begin_batch(4);
    for (const float scale : {1.0F, 0.5F, 0.25F, 2.0F}) {
      s->add(window_of(scale));
    }
  }
  const Ids prompts = {3, 4, 5, 3, 4, 6, 3, 4, 7, 3, 4, 8};
  const auto check = [&](const transcribe::LogitRows& expected, const transcribe::LogitRows& got,
                         std::size_t n) {
    for (std::size_t row = 0; row < n; ++row) {
      expect_equal(copy(expected[row]), copy(got[row]));
    }
  };
  const transcribe::BatchLogits expected = openvino.start_all(prompts, 1);
  const transcribe::BatchLogits got = own.start_all(prompts, 1);
  check(expected.next, got.next, 4);
  check(expected.at_position, got.at_position, 4);
  const std::vector<std::int32_t> all = {0, 1, 2, 3};
  check(openvino.step(Ids{9, 10, 11, 12}, all), own.step(Ids{9, 10, 11, 12}, all), 4);
  const std::vector<std::int32_t> two = {0, 3};  // 1 and 2 have ended
  check(openvino.step(Ids{13, 14}, two), own.step(Ids{13, 14}, two), 2);
  for (Session* s : {&openvino, &own}) {
    s->choose(2);
  }
  expect_equal(copy(openvino.start(Ids{3, 4, 7}, 0).next[0]), copy(own.start(Ids{3, 4, 7}, 0).next[0]));
}

TEST_P(DecoderTest, ThreadsDoNotChangeWhatComesOut) {
  std::vector<Row> rows;
  for (const int threads : {1, 2, 5}) {
    Session s(model_of(GetParam()), {.inference_precision = "f32", .threads = threads});
    s.encode(window_of(1.0F));
    rows.push_back(copy(s.start(Ids{3, 4, 5}, 0).next[0]));
  }
  // The encoder is OpenVINO's, whose products depend on them in the last bits.
  EXPECT_GT(test::sqnr_db(rows[0], rows[1]), least_db());
  EXPECT_GT(test::sqnr_db(rows[0], rows[2]), least_db());
}

/// Keys and values of a window, by OpenVINO in f32.
std::vector<Row> keys_by_openvino(const ov::Model& projections, const Row& hidden_states) {
  ov::Core core;
  auto compiled =
      core.compile_model(projections.clone(), "CPU", ov::hint::inference_precision(ov::element::f32));
  ov::InferRequest request = compiled.create_infer_request();
  Row input = hidden_states;
  request.set_input_tensor({ov::element::f32, {1, 1500, input.size() / 1500}, input.data()});
  request.infer();
  std::vector<Row> keys;
  for (std::size_t i = 0; i < compiled.outputs().size(); ++i) {
    const ov::Tensor tensor = request.get_output_tensor(i);
    keys.emplace_back(tensor.data<const float>(), tensor.data<const float>() + tensor.get_size());
  }
  return keys;
}

TEST_P(DecoderTest, KeysAndValuesOfAWindow) {
  const ov::Model& whole = *model_of(GetParam()).decoder;
  const auto decoder = is_pair(GetParam()) ? model::lift_decoder(whole) : whole.clone();
  const auto projections =
      transcribe::split_off_window(*decoder, ov::element::f32, window_shape(model_of(GetParam())));
  std::string why_not;
  auto linears = read_window_projections(*projections, why_not);
  const bool is_int8 = GetParam() != Form::fp && GetParam() != Form::int8_weights;
  ASSERT_EQ(linears.has_value(), is_int8) << why_not;
  if (!is_int8) {
    EXPECT_THAT(why_not, testing::HasSubstr("is not in INT8"));
    return;
  }
  const std::size_t n_state = linears->front().n_in();
  Row hidden_states(1500 * n_state);
  for (std::size_t i = 0; i < hidden_states.size(); ++i) {
    hidden_states[i] = static_cast<float>(i * 7919 % 1000) / 250.0F - 2.0F;
  }
  const std::vector<Row> expected = keys_by_openvino(*projections, hidden_states);
  for (const Kernels* kernels : all_kernels()) {
    Team team(3);
    WindowProjections own(*read_window_projections(*projections, why_not), Store::f32, team, *kernels);
    std::vector<Row> keys(expected.size(), Row(1500 * n_state));
    std::vector<void*> outputs;
    for (Row& of_layer : keys) {
      outputs.push_back(of_layer.data());
    }
    own.run(hidden_states, outputs);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      EXPECT_GT(test::sqnr_db(expected[i], keys[i]), 50.0) << kernels->name << " " << i;
    }
  }
}

TEST_P(DecoderTest, RefusesMoreTokensThanPositions) {
  Session s = session(Engine::automatic);
  s.encode(window_of(1.0F));
  test::expect_error([&] { s.start(Ids(449, 3), 0); }, ErrorCode::invalid_argument, "decoder");
  test::expect_error([&] { s.start(Ids{3, 999999}, 0); }, ErrorCode::invalid_argument, "decoder");
  s.start(Ids{3}, 0);  // and goes on
}

/// Why a decoder is left to OpenVINO; empty where it is not.
std::string why_not(const ov::Model& model, const std::function<void(ov::Model&)>& change = {}) {
  const auto decoder = model.clone();
  EXPECT_TRUE(transcribe::split_off_window(*decoder, ov::element::f32, window_shape(model_of(Form::fp))));
  if (change) {
    change(*decoder);
  }
  std::string reason;
  const bool is_read = read_decoder(*decoder, reason).has_value();
  EXPECT_EQ(is_read, reason.empty());
  return reason;
}

/// The first node whose name ends so.
std::shared_ptr<ov::Node> find(const ov::Model& model, const std::string& end) {
  for (const auto& node : model.get_ordered_ops()) {
    if (node->get_friendly_name().ends_with(end)) {
      return node;
    }
  }
  throw std::invalid_argument(end);
}

TEST(ReadDecoder, LeavesToOpenvinoWhatItDoesNotKnow) {
  const ov::Model& decoder = *model_of(Form::fp).decoder;
  EXPECT_EQ(why_not(decoder), "");
  const auto expect_refused = [&](const std::function<void(ov::Model&)>& change, const std::string& part) {
    EXPECT_THAT(why_not(decoder, change), testing::HasSubstr(part));
  };
  expect_refused(
      [](ov::Model& model) {
        const auto gelu = find(model, "layers.1.activation_fn/Gelu");
        ov::replace_node(gelu, std::make_shared<ov::op::v7::Gelu>(gelu->input_value(0),
                                                                  ov::op::GeluApproximationMode::TANH));
      },
      "is approximated");
  expect_refused(
      [](ov::Model& model) {
        const auto transpose = find(model, "layers.0.self_attn.q_proj/Transpose");
        transpose->input(1).replace_source_output(
            ov::op::v0::Constant::create(ov::element::i64, {4}, {2, 0, 1, 3}));
      },
      "arranges its values otherwise");
  expect_refused(
      [](ov::Model& model) {
        const auto product = find(model, "layers.2.fc2/MatMul");
        const auto twice = std::make_shared<ov::op::v1::Add>(product, product);
        for (auto reader : product->output(0).get_target_inputs()) {
          if (reader.get_node() != twice.get()) {
            reader.replace_source_output(twice);
          }
        }
      },
      "is no sum of a residual and a layer");
  expect_refused(
      [](ov::Model& model) {
        model.add_parameters({std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::Shape{1})});
      },
      "it has an input");
}

INSTANTIATE_TEST_SUITE_P(Forms,
                         DecoderTest,
                         testing::Values(Form::fp,
                                         Form::int8,
                                         Form::performance,
                                         Form::layers_in_fp,
                                         Form::int8_weights,
                                         Form::attention,
                                         Form::pair,
                                         Form::stateless,
                                         Form::optimum,
                                         Form::notebook),
                         [](const auto& test) { return std::string(name_of(test.param)); });

}  // namespace
}  // namespace sotto::engine
