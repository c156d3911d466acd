#include "model/graphs.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/op/ops.hpp>

#include "model/graph_run.h"
#include "sotto/model.h"
#include "support/temp_dir.h"

namespace sotto::model {
namespace {

using test::Decoder;
using test::Golden;
using Rows = std::vector<std::vector<std::int64_t>>;

constexpr float kTolerance =
    1e-3F;  // what the logits of two float programs may differ by; found here: below 1e-5

/// What transformers computed for a golden checkpoint.
struct Expected {
  explicit Expected(const std::string& model)
      : features(test::read_golden(model, "features")),
        hidden(test::read_golden(model, "hidden")),
        logits(test::read_golden(model, "logits")) {
    const Golden ids = test::read_golden(model, "ids");
    for (std::size_t s = 0; s < ids.shape[0]; ++s) {
      const Golden row = ids.at(s);
      sequences.emplace_back(row.values.begin(), row.values.end());
    }
  }

  std::size_t n_tokens() const { return sequences.front().size(); }
  Rows tokens(std::size_t sequence, std::size_t from, std::size_t to) const {
    const auto& all = sequences[sequence];
    return {{all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to)}};
  }
  /// Logits [to - from, n_vocab] of a sequence heard in a window.
  std::vector<float> rows(std::size_t window, std::size_t sequence, std::size_t from, std::size_t to) const {
    const Golden all = logits.at(window).at(sequence);
    const auto n_vocab = static_cast<std::ptrdiff_t>(all.shape[1]);
    return {all.values.begin() + static_cast<std::ptrdiff_t>(from) * n_vocab,
            all.values.begin() + static_cast<std::ptrdiff_t>(to) * n_vocab};
  }
  /// Windows [begin, begin + n) of the encoder's output as one batch.
  Golden windows(std::size_t begin, std::size_t n) const {
    Golden part{hidden.shape, {}};
    part.shape[0] = n;
    for (std::size_t w = begin; w < begin + n; ++w) {
      const Golden one = hidden.at(w);
      part.values.insert(part.values.end(), one.values.begin(), one.values.end());
    }
    return part;
  }

  Golden features;  // [2, n_mels, 2 n_audio_ctx]
  Golden hidden;    // [2, n_audio_ctx, d]
  Golden logits;    // [2 windows, 2 sequences, 7, n_vocab]
  Rows sequences;
};

std::vector<float> joined(std::vector<float> a, const std::vector<float>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class GoldenModel : public testing::TestWithParam<std::string> {
 protected:
  GoldenModel() : expected(GetParam()), model(build(test::golden_dir(GetParam()))) {}

  const Expected expected;
  const WhisperModel model;
};

INSTANTIATE_TEST_SUITE_P(Graphs, GoldenModel, testing::Values("small", "turbo"), [](const auto& test) {
  return test.param;
});

TEST_P(GoldenModel, EncodesAsTransformers) {
  EXPECT_LT(
      test::max_difference(test::encode_features(model.encoder, expected.features), expected.hidden.values),
      kTolerance);
}

TEST_P(GoldenModel, DecodesAllTokensAtOnce) {
  Decoder decoder(model.decoder);
  for (const std::size_t window : {0U, 1U}) {
    decoder.start(expected.windows(window, 1));
    const ov::Tensor logits = decoder.step(expected.tokens(0, 0, expected.n_tokens()), {0});
    EXPECT_LT(test::max_difference(logits, expected.rows(window, 0, 0, expected.n_tokens())), kTolerance);
  }
}

TEST_P(GoldenModel, DecodesTokenByTokenAndForgetsOnReset) {
  Decoder decoder(model.decoder);
  for (const std::size_t window : {0U, 1U, 0U}) {
    decoder.start(expected.windows(window, 1));
    for (std::size_t t = 0; t < expected.n_tokens(); ++t) {
      const ov::Tensor logits = decoder.step(expected.tokens(1, t, t + 1), {0});
      EXPECT_LT(test::max_difference(logits, expected.rows(window, 1, t, t + 1)), kTolerance)
          << "token " << t;
    }
  }
}

TEST_P(GoldenModel, AppendsSeveralTokensToAPast) {
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(0, 1));
  decoder.step(expected.tokens(0, 0, 3), {0});
  const ov::Tensor logits = decoder.step(expected.tokens(0, 3, expected.n_tokens()), {0});
  EXPECT_LT(test::max_difference(logits, expected.rows(0, 0, 3, expected.n_tokens())), kTolerance);
}

TEST_P(GoldenModel, DecodesAWindowPerBatchEntry) {
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(0, 2));
  const auto& [a, b] = std::pair(expected.sequences[0], expected.sequences[1]);
  for (std::size_t t = 0; t < expected.n_tokens(); ++t) {
    const ov::Tensor logits = decoder.step({{a[t]}, {b[t]}}, {0, 1});
    const auto rows = joined(expected.rows(0, 0, t, t + 1), expected.rows(1, 1, t, t + 1));
    EXPECT_LT(test::max_difference(logits, rows), kTolerance) << "token " << t;
  }
}

TEST_P(GoldenModel, ReordersBeamsOfOneWindow) {
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(0, 1));
  const auto& a = expected.sequences[0];
  const auto& b = expected.sequences[1];
  decoder.step({{a[0], a[1], a[2]}, {b[0], b[1], b[2]}}, {0, 1});
  ov::Tensor logits = decoder.step({{b[3]}, {a[3]}}, {1, 0});
  EXPECT_LT(test::max_difference(logits, joined(expected.rows(0, 1, 3, 4), expected.rows(0, 0, 3, 4))),
            kTolerance);
  logits = decoder.step({{a[4]}, {a[4]}}, {1, 1});
  EXPECT_LT(test::max_difference(logits, joined(expected.rows(0, 0, 4, 5), expected.rows(0, 0, 4, 5))),
            kTolerance);
}

TEST_P(GoldenModel, WidensFromWindowsToTheirBeams) {
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(0, 2));
  const auto& a = expected.sequences[0];
  decoder.step({{a[0], a[1]}, {a[0], a[1]}}, {0, 1});
  ov::Tensor logits = decoder.step({{a[2]}, {a[2]}, {a[2]}, {a[2]}}, {0, 0, 1, 1});
  std::vector<float> rows;
  for (const std::size_t window : {0U, 0U, 1U, 1U}) {
    rows = joined(rows, expected.rows(window, 0, 2, 3));
  }
  EXPECT_LT(test::max_difference(logits, rows), kTolerance);
  logits = decoder.step({{a[3], a[4]}, {a[3], a[4]}, {a[3], a[4]}, {a[3], a[4]}}, {1, 0, 3, 2});
  rows.clear();
  for (const std::size_t window : {0U, 0U, 1U, 1U}) {
    rows = joined(rows, expected.rows(window, 0, 3, 5));
  }
  EXPECT_LT(test::max_difference(logits, rows), kTolerance);
}

TEST_P(GoldenModel, KeepsTheWindowWhenItsInputIsReplaced) {
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(0, 1));
  decoder.step(expected.tokens(0, 0, 2), {0});
  // openvino.genai binds a tensor without batch once the window is in the state.
  decoder.request().set_tensor(
      "encoder_hidden_states",
      ov::Tensor(ov::element::f32, {0, expected.hidden.shape[1], expected.hidden.shape[2]}));
  const ov::Tensor logits = decoder.step(expected.tokens(0, 2, 3), {0});
  EXPECT_LT(test::max_difference(logits, expected.rows(0, 0, 2, 3)), kTolerance);
}

TEST_P(GoldenModel, NamesEveryNodeOnce) {
  for (const auto& graph : {model.encoder, model.decoder}) {
    std::set<std::string> names;
    for (const auto& node : graph->get_ordered_ops()) {
      EXPECT_TRUE(names.insert(node->get_friendly_name()).second) << node->get_friendly_name();
      EXPECT_NE(node->get_friendly_name(), std::string(node->get_type_name()) + "_") << "an automatic name";
    }
    EXPECT_EQ(names.count("model.decoder.layers.0.encoder_attn.k_proj/MatMul"),
              graph == model.decoder ? 1U : 0U);
  }
}

TEST_P(GoldenModel, HasTheAttentionOperationsGenaiLooksFor) {
  std::size_t n_cross = 0;
  for (const auto& node : model.decoder->get_ordered_ops()) {
    if (ov::is_type<ov::op::v13::ScaledDotProductAttention>(node) &&
        node->get_friendly_name().find("encoder_attn") != std::string::npos) {
      ++n_cross;
      EXPECT_GE(node->get_input_size(), 4U) << "without a mask word times fail";
    }
  }
  EXPECT_EQ(n_cross, static_cast<std::size_t>(model.dims.n_text_layer));
}

TEST_P(GoldenModel, HoldsTheTokenTableOnce) {
  std::size_t n_tables = 0;
  const ov::Shape shape{static_cast<std::size_t>(model.dims.n_vocab),
                        static_cast<std::size_t>(model.dims.n_text_state)};
  for (const auto& node : model.decoder->get_ordered_ops()) {
    n_tables += ov::is_type<ov::op::v0::Constant>(node) && node->get_output_shape(0) == shape ? 1U : 0U;
  }
  EXPECT_EQ(n_tables, 1U);
}

/// Number of executed nodes by type in the last inference.
std::map<std::string, int> executed(ov::InferRequest& request) {
  std::map<std::string, int> counts;
  for (const auto& node : request.get_profiling_info()) {
    counts[node.node_type] += node.status == ov::ProfilingInfo::Status::EXECUTED ? 1 : 0;
  }
  return counts;
}

TEST_P(GoldenModel, ProjectsAWindowOnlyOnce) {
  ov::Core core;
  auto request = core.compile_model(model.decoder, "CPU", ov::enable_profiling(true)).create_infer_request();
  request.set_tensor("encoder_hidden_states", test::tensor_of(expected.windows(0, 1)));
  ov::Tensor ids(ov::element::i64, {1, 1});
  ids.data<std::int64_t>()[0] = 1;
  ov::Tensor beams(ov::element::i32, {1});
  beams.data<std::int32_t>()[0] = 0;
  request.set_tensor("input_ids", ids);
  request.set_tensor("beam_idx", beams);
  request.infer();
  request.infer();
  auto counts = executed(request);
  const int n_layer = static_cast<int>(model.dims.n_text_layer);
  // self q k v out, cross q out, fc1 fc2; and the logits. Cross k and v are not among them.
  EXPECT_EQ(counts["FullyConnected"], 8 * n_layer + 1);
  EXPECT_EQ(counts["ScaledDotProductAttentionWithKVCache"], n_layer) << "the plugin did not fuse the cache";
}

class ElementType : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Graphs, ElementType, testing::Values("F32", "F16"), [](const auto& test) {
  return test.param;
});

TEST_P(ElementType, OfTheWeightsChangesNothing) {
  const test::TempDir dir;
  test::write_recoded("turbo", GetParam(), dir.path());
  const Expected expected("turbo");
  const WhisperModel model = build(dir.path());
  EXPECT_LT(
      test::max_difference(test::encode_features(model.encoder, expected.features), expected.hidden.values),
      kTolerance);
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(0, 1));
  EXPECT_LT(test::max_difference(decoder.step(expected.tokens(0, 0, 7), {0}), expected.rows(0, 0, 0, 7)),
            kTolerance);
}

TEST(Build, ReadsShards) {
  const test::TempDir dir;
  test::write_sharded("turbo", dir.path());
  const Expected expected("turbo");
  const WhisperModel model = build(dir.path());
  Decoder decoder(model.decoder);
  decoder.start(expected.windows(1, 1));
  EXPECT_LT(test::max_difference(decoder.step(expected.tokens(1, 0, 7), {0}), expected.rows(1, 1, 0, 7)),
            kTolerance);
}

}  // namespace
}  // namespace sotto::model
