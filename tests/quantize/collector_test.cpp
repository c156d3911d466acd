#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "quantize/statistics.h"
#include "sotto/quantize.h"
#include "support/expect_error.h"

namespace sotto::quantize {
namespace {

using sotto::test::expect_error;

TEST(Collector, GivesTheModelsOutputsLast) {
  const auto model = test::mlp();
  const ov::Tensor input = test::mlp_inputs(3)[2];
  Collector collector(model);
  const auto instrumented = collector.instrumented();
  ASSERT_GT(instrumented->get_results().size(), 1U);
  auto request = test::compile(instrumented);
  request.set_input_tensor(0, input);
  request.infer();
  const ov::Tensor last = request.get_output_tensor(instrumented->get_results().size() - 1);
  EXPECT_EQ(std::vector<float>(last.data<float>(), last.data<float>() + last.get_size()),
            test::infer(model, input));
  EXPECT_EQ(model->get_results().size(), 1U);
}

// Else every observed tensor is kept until the model is done.
TEST(Collector, IsRunWhileTheModelRunsAndNotBehindIt) {
  const auto model = test::mlp();
  auto request = test::compile(Collector(model).instrumented());
  std::map<std::string, int> order;
  for (const auto& node : request.get_compiled_model().get_runtime_model()->get_ops()) {
    order[node->get_friendly_name()] = std::stoi(node->get_rt_info().at("execOrder").as<std::string>());
  }
  ASSERT_TRUE(order.contains("x/statistics_0_2"));
  ASSERT_TRUE(order.contains("fc2/add"));
  EXPECT_LT(order["x/statistics_0_2"], order["fc2/add"]);
}

TEST(Collector, StartsAgainFromNothing) {
  const auto model = test::mlp();
  Collector collector(model);
  auto request = test::compile(collector.instrumented());
  for (const std::size_t n : {1U, 2U}) {
    for (std::size_t i = 0; i < n; ++i) {
      request.set_input_tensor(0, test::mlp_inputs(1)[0]);
      request.infer();
      collector.observe(request);
    }
    EXPECT_EQ(collector.take().n_samples(), n);
  }
  EXPECT_EQ(collector.take().n_samples(), 0U);
}

TEST(Collector, SkipsAnInputWithoutTokens) {
  const auto model = test::mlp();
  std::vector<ov::Tensor> inputs = test::mlp_inputs(2);
  const auto with = test::calibrate(model, {inputs[1], ov::Tensor(ov::element::f32, {1, 0, 8})});
  const auto without = test::calibrate(model, {inputs[1]});
  EXPECT_EQ(test::infer(quantize(model, with).model, inputs[1]),
            test::infer(quantize(model, without).model, inputs[1]));
}

TEST(Collector, OfEmptyTensorsOnlyLeavesTheModelUnquantizedAndSaysSo) {
  const auto model = test::mlp();
  const auto result = quantize(model, test::calibrate(model, {ov::Tensor(ov::element::f32, {1, 0, 8})}));
  EXPECT_THAT(test::names_of(result.model, "FakeQuantize"), testing::IsEmpty());
  const StepReport* report = test::report_of(result, "min_max", "gelu");
  ASSERT_TRUE(report);
  EXPECT_THAT(report->reason, testing::HasSubstr("nothing was observed"));
}

TEST(Collector, NamesTheLayerWhoseActivationIsNotFinite) {
  const auto model = test::mlp();
  std::vector<ov::Tensor> inputs = test::mlp_inputs(1);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    inputs[0].data<float>()[3] = bad;
    expect_error([&] { test::calibrate(model, inputs); }, ErrorCode::bad_format,
                 "x: expected finite activations");
  }
}

TEST(Collector, NamesTheLayerWhoseWeightIsNotFinite) {
  for (const auto type : {ov::element::f32, ov::element::f16}) {
    const auto x = test::parameter({1, -1, 2}, "x");
    const auto weight = test::op::Constant::create(type, {2, 2}, {1.0F, std::nanf(""), 0.0F, 0.0F});
    const auto operand = std::make_shared<test::op::Convert>(weight, ov::element::f32);
    const auto fc = test::named(std::make_shared<test::op::MatMul>(x, operand), "fc");
    expect_error([&] { Collector{test::model(fc, {x})}; }, ErrorCode::bad_format,
                 "fc: expected finite weights");
  }
}

TEST(Collector, RefusesADynamicRank) {
  const auto x = test::parameter(ov::PartialShape::dynamic(), "x");
  const auto fc =
      test::named(std::make_shared<test::op::MatMul>(x, test::constant({2, 2}, {1, 2, 3, 4}, "w")), "fc");
  expect_error([&] { Collector{test::model(fc, {x})}; }, ErrorCode::bad_format, "dynamic rank");
  expect_error([] { Collector{nullptr}; }, ErrorCode::invalid_argument, "expected a model");
}

TEST(Collector, SharesOneSiteAmongReadersOfATensor) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto a = test::linear(x, {8, 8}, test::random_values(64, 1), {}, "a");
  const auto b = test::linear(x, {8, 8}, test::random_values(64, 2), {}, "b");
  const auto model = test::model(std::make_shared<test::op::Add>(a, b), {x});
  const Statistics statistics = test::calibrate(model, test::mlp_inputs(1));
  EXPECT_EQ(statistics.impl().sites.size(), 2U);  // and the sum, which a quantizer of the outputs would need
}

TEST(Collector, HandlesOneSampleConstantActivationsAndZeroWeights) {
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto model =
      test::model(test::linear(x, {4, 8}, std::vector<float>(32, 0.0F), {1, 2, 3, 4}, "fc"), {x});
  ov::Tensor zeros(ov::element::f32, {1, 3, 8});
  std::fill_n(zeros.data<float>(), zeros.get_size(), 0.0F);
  const Statistics statistics = test::calibrate(model, {zeros});
  for (const QuantizeOptions& options :
       {QuantizeOptions{}, QuantizeOptions{.parity = Parity::nncf},
        QuantizeOptions{.smooth_quant_search = true},
        QuantizeOptions{.smooth_quant_alpha = 1.0, .bias_correction = BiasCorrection::per_channel}}) {
    const auto result = quantize(model, statistics, options);
    const std::vector<float> y = test::infer(result.model, zeros);
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_FLOAT_EQ(y[i], static_cast<float>(i % 4 + 1));
    }
  }
}

TEST(Collector, LeavesAChannelThatIsAlwaysZeroHarmless) {
  const auto model = test::mlp();
  std::vector<ov::Tensor> inputs = test::mlp_inputs(5);
  for (ov::Tensor& input : inputs) {
    for (std::size_t i = 3; i < input.get_size(); i += 8) {
      input.data<float>()[i] = 0.0F;
    }
  }
  const Statistics statistics = test::calibrate(model, inputs);
  for (const bool search : {false, true}) {
    const auto result = quantize(
        model, statistics, {.smooth_quant_search = search, .bias_correction = BiasCorrection::per_channel});
    EXPECT_LT(test::relative_error(test::infer(model, inputs[4]), test::infer(result.model, inputs[4])),
              0.05);
  }
}

}  // namespace
}  // namespace sotto::quantize
