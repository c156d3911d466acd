#include "quantize/placement.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "quantize/ignored_patterns.h"

namespace sotto::quantize {
namespace {

using test::op::Concat;
using test::op::Constant;
using test::op::MatMul;
using test::op::Reshape;
using test::op::ScaledDotProductAttention;
using test::op::Softmax;
using test::op::Transpose;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// "tensor" for a quantizer of all consumers, "layer:port" for one of an edge; "~" in front of symmetric
/// ones.
std::vector<std::string> quantizers(const std::shared_ptr<ov::Model>& model,
                                    const PlacementOptions& options = {}) {
  const InferenceGraph graph(model);
  std::vector<std::string> found;
  IgnoredNodes ignored;
  for (const ov::Node* node : match_ignored_patterns(graph)) {
    ignored.emplace(node, "pattern");
  }
  for (const ActivationQuantizer& q : place_quantizers(graph, ignored, options).activations) {
    found.push_back(std::string(q.symmetric ? "~" : "") +
                    (q.edge
                         ? q.edge->get_node()->get_friendly_name() + ":" + std::to_string(q.edge->get_index())
                         : q.tensor.get_node()->get_friendly_name()));
  }
  return found;
}

test::Output dense(const test::Output& x, const std::string& name) {
  return test::linear(x, {8, 8}, test::random_values(64, 1), {}, name);
}

test::Output reshape(const test::Output& x, const std::string& name) {
  const auto shape = Constant::create(ov::element::i64, {3}, {0, -1, 8});
  return test::named(std::make_shared<Reshape>(x, shape, true), name);
}

TEST(Placement, MovesAQuantizerAboveOperationsThatOnlyMoveValues) {
  const auto x = test::parameter({1, -1, 8}, "x");
  EXPECT_THAT(quantizers(test::model(dense(reshape(test::gelu(x, "gelu"), "reshape"), "fc"), {x})),
              ElementsAre("gelu"));
}

TEST(Placement, MergesTheQuantizersOfABranchWhereAllItsEndsAreQuantized) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto y = test::gelu(x, "gelu");
  const auto z = std::make_shared<test::op::Add>(dense(y, "a"), dense(reshape(y, "reshape"), "b"));
  EXPECT_THAT(quantizers(test::model(z, {x})), ElementsAre("gelu"));
}

TEST(Placement, StaysOnTheEdgesWhereOneEndIsNotQuantized) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto y = test::gelu(x, "gelu");
  const auto z =
      std::make_shared<test::op::Add>(dense(y, "a"), std::make_shared<test::op::Add>(dense(y, "b"), y));
  EXPECT_THAT(quantizers(test::model(z, {x})), UnorderedElementsAre("a:0", "b:0"));
}

TEST(Placement, QuantizesAProductOfActivationsSymmetrically) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto q = test::gelu(x, "q");
  const auto k = test::named(std::make_shared<test::op::Tanh>(x), "k");
  EXPECT_THAT(quantizers(test::model(std::make_shared<MatMul>(q, k, false, true), {x})),
              UnorderedElementsAre("~q", "~k"));
}

TEST(Placement, LeavesSoftmaxTimesValuesInFloatingPoint) {
  const auto x = test::parameter({1, 4, 4}, "x");
  const auto order = Constant::create(ov::element::i64, {3}, {0, 2, 1});
  const auto v = std::make_shared<Transpose>(test::gelu(x, "v"), order);
  const auto p = std::make_shared<Softmax>(x, 2);
  EXPECT_THAT(quantizers(test::model(std::make_shared<MatMul>(p, v), {x})), IsEmpty());
}

TEST(Placement, UnifiesTheRangesOfAConcatenation) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto y = std::make_shared<Concat>(ov::OutputVector{test::gelu(x, "a"), test::gelu(x, "b")}, 1);
  const InferenceGraph graph(test::model(dense(y, "fc"), {x}));
  const Placement placement = place_quantizers(graph, {}, {});
  ASSERT_EQ(placement.activations.size(), 2U);
  EXPECT_EQ(placement.activations[0].unified_with, y.get());
  EXPECT_EQ(placement.activations[1].unified_with, y.get());
}

TEST(Placement, TouchesAttentionOnlyIfAsked) {
  const auto x = test::parameter({1, 2, -1, 8}, "x");
  const auto attention = std::make_shared<ScaledDotProductAttention>(test::gelu(x, "q"), test::gelu(x, "k"),
                                                                     test::gelu(x, "v"), false);
  const auto model = test::model(attention, {x});
  EXPECT_THAT(quantizers(model), IsEmpty());
  EXPECT_THAT(quantizers(model, {.attention_inputs = true}), UnorderedElementsAre("~q", "~k"));
}

TEST(Placement, IsSymmetricInThePerformancePreset) {
  EXPECT_THAT(quantizers(test::mlp(), {.symmetric = true}), ElementsAre("~x", "~gelu"));
}

TEST(Placement, IgnoresArithmeticOnShapes) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto length =
      std::make_shared<test::op::Convert>(std::make_shared<test::op::ShapeOf>(x), ov::element::f32);
  const auto y = std::make_shared<test::op::Multiply>(
      dense(x, "fc"),
      std::make_shared<test::op::ReduceMax>(length, Constant::create(ov::element::i64, {1}, {0})));
  EXPECT_THAT(quantizers(test::model(y, {x})), ElementsAre("x"));
}

}  // namespace
}  // namespace sotto::quantize
