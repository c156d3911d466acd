#include "transcribe/logit_positions.h"

#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/result.hpp>
#include <openvino/runtime/core.hpp>

namespace sotto::transcribe {
namespace {

using ov::op::v0::Constant;

struct Graph {
  std::shared_ptr<ov::Model> model;
  std::shared_ptr<ov::Node> hidden;  ///< what the product's chain begins at
};

/// x [batch, n_tokens, 2] → relu → (× 2 → FakeQuantize) → logits [batch, n_tokens, 3].
Graph make_graph(bool quantized, bool observed = false) {
  const auto x = std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::PartialShape{-1, -1, 2});
  x->output(0).set_names({"x"});
  const std::shared_ptr<ov::Node> hidden = std::make_shared<ov::op::v0::Relu>(x);
  std::shared_ptr<ov::Node> data = hidden;
  ov::ResultVector results;
  if (quantized) {
    const auto scalar = [](float value) { return Constant::create(ov::element::f32, {}, {value}); };
    data = std::make_shared<ov::op::v1::Multiply>(data, scalar(2.0F));
    if (observed) {
      results.push_back(std::make_shared<ov::op::v0::Result>(data));
    }
    data = std::make_shared<ov::op::v0::FakeQuantize>(data, scalar(0.0F), scalar(25.5F), scalar(0.0F),
                                                      scalar(25.5F), 256);
  }
  const auto weight = Constant::create(ov::element::f32, {3, 2}, {1, 0, 0, 1, 1, 1});
  const auto product = std::make_shared<ov::op::v0::MatMul>(data, weight, false, true);
  product->output(0).set_names({"logits"});
  results.insert(results.begin(), std::make_shared<ov::op::v0::Result>(product));
  return {std::make_shared<ov::Model>(results, ov::ParameterVector{x}), hidden};
}

std::vector<float> run(const std::shared_ptr<ov::Model>& model, const std::vector<std::int64_t>& positions) {
  ov::Core core;
  auto request = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32))
                     .create_infer_request();
  ov::Tensor x(ov::element::f32, {2, 4, 2});
  std::iota(x.data<float>(), x.data<float>() + x.get_size(), 0.0F);
  request.set_tensor("x", x);
  if (!positions.empty()) {
    ov::Tensor chosen(ov::element::i64, {positions.size()});
    std::copy(positions.begin(), positions.end(), chosen.data<std::int64_t>());
    request.set_tensor(kLogitPositions, chosen);
  }
  request.infer();
  const ov::Tensor logits = request.get_tensor("logits");
  const float* const values = logits.data<const float>();
  return {values, values + logits.get_size()};
}

TEST(AddLogitPositions, GivesTheLogitsOfThosePositions) {
  for (const bool quantized : {false, true}) {
    const std::vector<float> all = run(make_graph(quantized).model, {});
    const Graph graph = make_graph(quantized);
    ASSERT_TRUE(add_logit_positions(*graph.model));
    const std::vector<float> chosen = run(graph.model, {1, 3});
    ASSERT_EQ(chosen.size(), 2U * 2U * 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_FLOAT_EQ(chosen[i], all[1 * 3 + i]);
      EXPECT_FLOAT_EQ(chosen[3 + i], all[3 * 3 + i]);
      EXPECT_FLOAT_EQ(chosen[6 + i], all[(4 + 1) * 3 + i]);
    }
  }
}

TEST(AddLogitPositions, LeavesQuantizationNextToTheProduct) {
  const Graph graph = make_graph(true);
  ASSERT_TRUE(add_logit_positions(*graph.model));
  const auto readers = graph.hidden->output(0).get_target_inputs();
  ASSERT_EQ(readers.size(), 1U);
  EXPECT_EQ(readers.begin()->get_node()->get_type_name(), std::string("Gather"));
}

TEST(AddLogitPositions, LetsOthersSeeEveryPosition) {
  const Graph graph = make_graph(true, true);
  ASSERT_TRUE(add_logit_positions(*graph.model));
  EXPECT_EQ(graph.model->output(1).get_partial_shape(), (ov::PartialShape{-1, -1, 2}));
}

TEST(AddLogitPositions, LeavesADecoderAloneThatIsNotAsExpected) {
  const auto x = std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::PartialShape{-1, -1, 2});
  const auto relu = std::make_shared<ov::op::v0::Relu>(x);
  relu->output(0).set_names({"logits"});
  ov::Model model(ov::ResultVector{std::make_shared<ov::op::v0::Result>(relu)}, ov::ParameterVector{x});
  EXPECT_FALSE(add_logit_positions(model));
  EXPECT_EQ(model.inputs().size(), 1U);
}

}  // namespace
}  // namespace sotto::transcribe
