#include "quantize/smooth_quant.h"

#include <cmath>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

/// y = x W^T with x of two channels whose magnitudes are 100 and 1, and weights of magnitude 1 and 1.
QuantizeResult smoothed(double alpha) {
  const auto x = test::parameter({1, -1, 2}, "x");
  const auto model = test::model(test::linear(x, {2, 2}, {1, 0.5F, -0.25F, 1}, {}, "fc"), {x});
  ov::Tensor input(ov::element::f32, {1, 2, 2});
  const std::vector<float> values = {100, -1, -50, 0.5F};
  std::copy(values.begin(), values.end(), input.data<float>());
  return quantize(model, test::calibrate(model, {input}),
                  {.smooth_quant_alpha = alpha, .smooth_quant_search = false});
}

TEST(SmoothQuant, DividesTheActivationByItsShareOfTheRange) {
  const auto scale = test::find(smoothed(0.5).model, "x_0_0/nncf_smooth_quant/scale");
  ASSERT_TRUE(scale);
  // sqrt(100 / 1) and sqrt(1 / 1), the lower one raised to the lowest tenth between them
  EXPECT_THAT(test::values_of(scale),
              ElementsAre(FloatNear(1.0F / 10, 1e-6F), FloatNear(1.0F / 1.9F, 1e-6F)));
}

TEST(SmoothQuant, LeavesTheFunctionAsItWas) {
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(6);
  const Statistics statistics = test::calibrate(model, inputs);
  for (const double alpha : {0.0, 0.3, 0.5, 0.95, 1.0}) {
    const auto result = quantize(model, statistics,
                                 {.smooth_quant_alpha = alpha,
                                  .smooth_quant_search = false,
                                  .ignored_scope = {.names = {"fc1", "fc2"}}});
    EXPECT_EQ(test::names_of(result.model, "Multiply").size(), 2U);
    EXPECT_LT(test::relative_error(test::infer(model, inputs[5]), test::infer(result.model, inputs[5])), 1e-5)
        << alpha;
  }
}

TEST(SmoothQuant, RescuesAChannelThatDwarfsTheOthers) {
  const auto model = test::mlp();
  std::vector<ov::Tensor> inputs = test::mlp_inputs(6);
  for (ov::Tensor& input : inputs) {
    for (std::size_t i = 2; i < input.get_size(); i += 8) {
      input.data<float>()[i] *= 50.0F;
    }
  }
  // the outlier's own weight is small, as behind a LayerNorm gain that grew
  const auto weight = std::dynamic_pointer_cast<test::op::Constant>(test::find(model, "fc1.weight"));
  std::vector<float> values = weight->cast_vector<float>();
  for (std::size_t i = 2; i < values.size(); i += 8) {
    values[i] /= 1000.0F;
  }
  ov::replace_node(weight, test::op::Constant::create(ov::element::f32, {16, 8}, values));
  const Statistics statistics = test::calibrate(model, inputs);
  const auto error = [&](double alpha) {
    const auto result =
        quantize(model, statistics, {.smooth_quant_alpha = alpha, .smooth_quant_search = false});
    return test::relative_error(test::infer(model, inputs[5]), test::infer(result.model, inputs[5]));
  };
  EXPECT_LT(error(0.5), error(-1.0) / 4);
}

TEST(SmoothQuant, SharesOneScaleAmongLayersThatReadOneTensor) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto a = test::linear(x, {8, 8}, test::random_values(64, 1), {}, "a");
  const auto b = test::linear(x, {8, 8}, test::random_values(64, 2), {}, "b");
  const auto model = test::model(std::make_shared<test::op::Add>(a, b), {x});
  const auto result = quantize(model, test::calibrate(model, test::mlp_inputs(3)));
  EXPECT_THAT(test::names_of(result.model, "FakeQuantize"),
              ElementsAre("x_0_0/nncf_smooth_quant/fq_output_0"));
}

TEST(SmoothQuant, LeavesASharedWeightAloneAndSaysSo) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto weight = test::constant({8, 8}, test::random_values(64, 1), "weight");
  const auto a = test::named(std::make_shared<test::op::MatMul>(x, weight, false, true), "a");
  const auto b =
      test::named(std::make_shared<test::op::MatMul>(test::gelu(a, "gelu"), weight, false, true), "b");
  const auto model = test::model(b, {x});
  const auto result = quantize(model, test::calibrate(model, test::mlp_inputs(3)));
  for (const char* layer : {"a", "b"}) {
    const StepReport* report = test::report_of(result, "smooth_quant", layer);
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->done);
    EXPECT_THAT(report->reason, testing::HasSubstr("shared"));
  }
  EXPECT_THAT(test::names_of(result.model, "Multiply"), ElementsAre("a/fq_weights_1"));
}

}  // namespace
}  // namespace sotto::quantize
