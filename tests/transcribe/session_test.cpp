#include "transcribe/session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/core/model.hpp>
#include <openvino/op/add.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/reduce_prod.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/runtime/infer_request.hpp>
#include <openvino/runtime/properties.hpp>

#include "support/expect_error.h"
#include "transcribe/compile.h"
#include "transcribe/tiny_model.h"

namespace sotto::transcribe {
namespace {

using Ids = std::vector<TokenId>;
using Row = std::vector<float>;

Session tiny_session() {
  return {test::tiny_model(), {.inference_precision = "f32", .threads = 2}};
}

audio::LogMel window_of(float scale) {
  audio::LogMel mel{80, audio::kWindowFrames, std::vector<float>(80UL * audio::kWindowFrames)};
  for (std::size_t i = 0; i < mel.values.size(); ++i) {
    mel.values[i] = scale * static_cast<float>(i * 7919 % 1000) / 1000.0F;
  }
  return mel;
}

Row copy(std::span<const float> row) {
  return {row.begin(), row.end()};
}

/// Logits behind a sequence that is fed as one prompt.
Row logits_behind(Session& session, const Ids& tokens) {
  return copy(session.start(tokens, 0).next[0]);
}

/// Makes windows a batch. Before each another is heard for its language.
void hear_all(Session& session, const std::vector<audio::LogMel>& windows) {
  session.begin_batch(windows.size());
  for (const audio::LogMel& window : windows) {
    session.encode(window_of(0.1F));
    session.start(Ids{268}, 0);
    session.add(window);
  }
}

void expect_close(const Row& got, const Row& expected) {
  ASSERT_EQ(got.size(), expected.size());
  float worst = 0.0F;
  for (std::size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, std::abs(got[i] - expected[i]));
  }
  EXPECT_LT(worst, 1e-4F);
}

TEST(Session, StepsEqualOnePromptWhateverBecomesOfTheRows) {
  Session session = tiny_session();
  session.encode(window_of(1.0F));
  const std::vector<Ids> finals = {{268, 269, 5, 11, 30, 33}, {268, 269, 5, 10, 31, 34}};
  std::vector<Row> expected;
  for (const Ids& tokens : finals) {
    expected.push_back(logits_behind(session, tokens));
  }
  session.start(Ids{268, 269, 5}, 0);
  session.step(Ids{10, 11, 12}, std::vector<std::int32_t>{0, 0, 0});  // one row becomes three
  session.step(Ids{30, 31}, std::vector<std::int32_t>{1, 0});         // two are left, in another order
  const LogitRows got = session.step(Ids{33, 34}, std::vector<std::int32_t>{0, 1});
  expect_close(copy(got[0]), expected[0]);
  expect_close(copy(got[1]), expected[1]);
}

TEST(Session, HearsTheSameWithLessMemoryAtTheStart) {
  Session usual = tiny_session();
  Session low(test::tiny_model(), {.inference_precision = "f32", .threads = 2, .low_memory = true});
  EXPECT_EQ(low.n_runs(Stage::decoder), 0U);
  usual.encode(window_of(1.0F));
  low.encode(window_of(1.0F));
  expect_close(logits_behind(low, {268, 269, 5}), logits_behind(usual, {268, 269, 5}));
}

/// Frames of the window fed at the prompt and at the step behind it.
std::vector<std::size_t> frames_fed(const model::WhisperModel& model) {
  Session session(model, {.inference_precision = "f32", .threads = 1});
  std::vector<std::size_t> frames;
  session.listen([&](Stage stage, ov::InferRequest& request, double) {
    if (stage == Stage::decoder) {
      frames.push_back(request.get_tensor("encoder_hidden_states").get_shape()[1]);
    }
  });
  session.encode(window_of(1.0F));
  session.start(Ids{268, 269}, 0);
  session.step(Ids{5}, std::vector<std::int32_t>{0});
  return frames;
}

/// The tiny model with a decoder that reads of the window's shape outside the states too: K and V stay
/// states.
model::WhisperModel with_states() {
  model::WhisperModel model = test::tiny_model();
  model.decoder = model.decoder->clone();
  const auto shape = std::make_shared<ov::op::v3::ShapeOf>(model.decoder->input("encoder_hidden_states"));
  const auto count = std::make_shared<ov::op::v1::ReduceProd>(
      shape, ov::op::v0::Constant::create(ov::element::i64, {1}, {0}), true);
  const auto none =
      std::make_shared<ov::op::v1::Multiply>(std::make_shared<ov::op::v0::Convert>(count, ov::element::f32),
                                             ov::op::v0::Constant::create(ov::element::f32, {}, {0.0F}));
  ov::Input<ov::Node> logits = model.decoder->output("logits").get_node()->input(0);
  const auto names = logits.get_source_output().get_names();
  logits.get_source_output().set_names({});
  const auto sum = std::make_shared<ov::op::v1::Add>(logits.get_source_output(), none);
  sum->output(0).set_names(names);
  logits.replace_source_output(sum);
  return model;
}

TEST(Session, FeedsTheWindowWithThePromptOnly) {
  EXPECT_EQ(frames_fed(with_states()), (std::vector<std::size_t>{1500, 1}));
}

TEST(Session, SaysTheSameWithKeysAsInputsAsWithStates) {
  Session split = tiny_session();
  Session stateful(with_states(), {.inference_precision = "f32", .threads = 2});
  ASSERT_TRUE(split.drops_rows());
  ASSERT_FALSE(stateful.drops_rows());
  for (Session* const session : {&split, &stateful}) {
    session->encode(window_of(1.0F));
  }
  expect_close(logits_behind(split, {268, 269, 5}), logits_behind(stateful, {268, 269, 5}));
  expect_close(copy(split.step(Ids{10, 11}, std::vector<std::int32_t>{0, 0})[1]),
               copy(stateful.step(Ids{10, 11}, std::vector<std::int32_t>{0, 0})[1]));
}

TEST(Session, LeavesRowsOfABatchOut) {
  Session session = tiny_session();
  const std::vector<audio::LogMel> windows = {window_of(1.0F), window_of(0.3F), window_of(-0.7F),
                                              window_of(2.0F)};
  std::vector<Row> expected;
  for (const audio::LogMel& window : windows) {
    session.encode(window);
    expected.push_back(logits_behind(session, {268, 269, 5, 10, 11}));
  }
  hear_all(session, windows);
  for (int round = 0; round < 2; ++round) {  // the windows are in their places again
    session.start_all(Ids{268, 269, 268, 269, 268, 269, 268, 269}, 0);
    session.step(Ids{5, 5, 5, 5}, std::vector<std::int32_t>{0, 1, 2, 3});
    session.step(Ids{10, 10}, std::vector<std::int32_t>{3, 1});
    const LogitRows got = session.step(Ids{11, 11}, std::vector<std::int32_t>{0, 1});
    expect_close(copy(got[0]), expected[3]);
    expect_close(copy(got[1]), expected[1]);
    session.choose(0);  // where window 3 was
    expect_close(logits_behind(session, {268, 269, 5, 10, 11}), expected[0]);
  }
}

TEST(Session, HearsAWindowOnceForItsLanguageAndItsBatch) {
  Session session = tiny_session();
  session.begin_batch(2);
  for (const float scale : {1.0F, -1.0F}) {
    session.encode(window_of(scale));
    session.start(Ids{268}, 0);
    session.add(window_of(scale));
  }
  EXPECT_EQ(session.n_runs(Stage::encoder), 2U);
}

TEST(Session, FeedsTheWindowAtEveryStepToADecoderThatIsObserved) {
  model::WhisperModel observed = test::tiny_model();
  observed.decoder = observed.decoder->clone();
  observed.decoder->add_results(
      {std::make_shared<ov::op::v0::Result>(observed.decoder->input("encoder_hidden_states"))});
  EXPECT_EQ(frames_fed(observed), (std::vector<std::size_t>{1500, 1500}));
}

TEST(Session, TellsTheLogitsAtAPositionOfThePrompt) {
  Session session = tiny_session();
  session.encode(window_of(1.0F));
  const Row expected = logits_behind(session, {7, 8, 268});
  const PromptLogits got = session.start(Ids{7, 8, 268, 269, 270}, 2);
  expect_close(copy(got.at_position), expected);
}

TEST(Session, HearsTheNewWindow) {
  Session session = tiny_session();
  session.encode(window_of(1.0F));
  const Row first = logits_behind(session, {268});
  session.encode(window_of(-1.0F));
  EXPECT_NE(logits_behind(session, {268}), first);
  session.encode(window_of(1.0F));
  expect_close(logits_behind(session, {268}), first);
}

TEST(Session, HearsTheSameWindowOnce) {
  Session session = tiny_session();
  session.encode(window_of(1.0F));
  session.encode(window_of(1.0F));
  EXPECT_EQ(session.n_runs(Stage::encoder), 1U);
  session.listen({});
  session.encode(window_of(1.0F));
  EXPECT_EQ(session.n_runs(Stage::encoder), 1U);  // counted anew, and heard anew
}

TEST(Session, ReadsATextWithItsAttention) {
  Session session = tiny_session();
  session.encode(window_of(1.0F));
  const Ids tokens = {268, 269, 5, 11, 30};
  const Row expected = logits_behind(session, {268, 269, 5});
  const TokenAttention got = session.attend(tokens, std::vector<std::int64_t>{2, 3});
  EXPECT_EQ(got.n_heads, 2U);  // alignment_heads of generation_config.json
  EXPECT_EQ(got.n_tokens, tokens.size());
  EXPECT_EQ(got.n_frames, 1500U);
  EXPECT_EQ(got.scores.size(), 2U * 5U * 1500U);
  ASSERT_EQ(got.logits.size(), 2U * expected.size());
  expect_close(copy(got.logits.first(expected.size())), expected);
}

TEST(AlignmentHeads, AreThoseOfTheUpperLayersWhereNoneAreNamed) {
  model::WhisperModel model = test::tiny_model();
  EXPECT_EQ(alignment_heads(model), (std::map<int, std::vector<int>>{{0, {1}}, {1, {0}}}));
  model.generation.alignment_heads.clear();
  EXPECT_EQ(alignment_heads(model), (std::map<int, std::vector<int>>{{1, {0, 1}}}));
}

TEST(Session, RefusesWindowsOfAnotherLength) {
  model::WhisperModel model = test::tiny_model();
  model.dims.n_audio_ctx = 750;
  test::expect_error([&] { Session(model, {}); }, ErrorCode::unsupported,
                     "expected max_source_positions of 1500");
}

TEST(Compile, TakesTheThreadsAskedForInOneStream) {
  ov::Core core;
  for (const int n_threads : {1, 2}) {
    const auto compiled = compile(core, test::tiny_model().decoder, {.threads = n_threads}, "decoder");
    EXPECT_EQ(compiled.get_property(ov::inference_num_threads), n_threads);
    EXPECT_EQ(compiled.get_property(ov::num_streams), ov::streams::Num(1));
  }
}

TEST(Session, HearsABatchAsItHearsItsWindows) {
  Session session = tiny_session();
  const std::vector<audio::LogMel> windows = {window_of(1.0F), window_of(0.3F), window_of(-0.7F)};
  const Ids prompt = {268, 269, 5};
  std::vector<Row> first;
  std::vector<Row> second;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    session.encode(windows[i]);
    first.push_back(copy(session.start(prompt, 0).next[0]));
    second.push_back(copy(session.step(Ids{static_cast<TokenId>(10 + i)}, std::vector<std::int32_t>{0})[0]));
  }
  hear_all(session, windows);
  Ids prompts;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    prompts.insert(prompts.end(), prompt.begin(), prompt.end());
  }
  const BatchLogits logits = session.start_all(prompts, 0);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    expect_close(copy(logits.next[i]), first[i]);
  }
  const LogitRows stepped = session.step(Ids{10, 11, 12}, std::vector<std::int32_t>{0, 1, 2});
  for (std::size_t i = 0; i < windows.size(); ++i) {
    expect_close(copy(stepped[i]), second[i]);
  }
  session.choose(1);
  expect_close(copy(session.start(prompt, 0).next[0]), first[1]);
}

}  // namespace
}  // namespace sotto::transcribe
