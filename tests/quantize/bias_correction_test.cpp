#include "quantize/bias_correction.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

/// Inputs whose mean is far from 0, so that what rounding takes from the weights adds up.
std::vector<ov::Tensor> shifted_inputs() {
  std::vector<ov::Tensor> inputs;
  for (unsigned i = 0; i < 8; ++i) {
    ov::Tensor tensor(ov::element::f32, {1, 16, 8});
    std::vector<float> values = test::random_values(tensor.get_size(), 20 + i, 0.2F);
    for (float& v : values) {
      v += 1.5F;
    }
    std::copy(values.begin(), values.end(), tensor.data<float>());
    inputs.push_back(tensor);
  }
  return inputs;
}

std::shared_ptr<ov::Model> layer(const std::vector<float>& bias) {
  const auto x = test::parameter({1, -1, 8}, "x");
  return test::model(test::linear(x, {4, 8}, test::random_values(32, 3), bias, "fc"), {x});
}

std::vector<double> mean_output(const std::shared_ptr<ov::Model>& model) {
  std::vector<double> sum(4, 0.0);
  for (const ov::Tensor& input : shifted_inputs()) {
    const std::vector<float> y = test::infer(model, input);
    for (std::size_t i = 0; i < y.size(); ++i) {
      sum[i % 4] += static_cast<double>(y[i]) / (16.0 * 8.0);
    }
  }
  return sum;
}

double mean_error(const std::shared_ptr<ov::Model>& model, const std::shared_ptr<ov::Model>& quantized) {
  const std::vector<double> expected = mean_output(model);
  const std::vector<double> found = mean_output(quantized);
  double sum = 0.0;
  for (std::size_t c = 0; c < expected.size(); ++c) {
    sum += std::abs(expected[c] - found[c]);
  }
  return sum;
}

QuantizeResult quantized(const std::shared_ptr<ov::Model>& model, BiasCorrection correction) {
  // symmetric ranges of all-positive values waste nothing; clipping by a mean maximum shifts the mean
  return quantize(model, test::calibrate(model, shifted_inputs()),
                  {.smooth_quant_alpha = -1.0,
                   .bias_correction = correction,
                   .activation_range = RangeEstimator{Aggregator::minimum, Aggregator::minimum}});
}

TEST(BiasCorrectionPerChannel, TakesOutTheShiftOfWeightsAndActivations) {
  const auto model = layer({1, 2, -3, 4});
  const double without = mean_error(model, quantized(model, BiasCorrection::none).model);
  const double fast = mean_error(model, quantized(model, BiasCorrection::fast).model);
  const double per_channel = mean_error(model, quantized(model, BiasCorrection::per_channel).model);
  EXPECT_LT(per_channel, without / 5);
  EXPECT_LT(per_channel, fast / 5);
}

TEST(BiasCorrectionPerChannel, CorrectsALayerOfWhichOneBiasIsZero) {
  const auto model = layer({1, 0, -3, 4});
  const auto result = quantized(model, BiasCorrection::per_channel);
  const StepReport* report = test::report_of(result, "bias_correction", "fc");
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->done) << report->reason;
  EXPECT_GT(report->value, 0.5);  // of the channels
  EXPECT_LT(mean_error(model, result.model),
            mean_error(model, quantized(model, BiasCorrection::none).model) / 5);
}

TEST(BiasCorrectionPerChannel, GivesALayerABiasWhereThatHelps) {
  const auto model = layer({});
  const auto result = quantized(model, BiasCorrection::per_channel);
  const StepReport* report = test::report_of(result, "bias_correction", "fc");
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->done) << report->reason;
  EXPECT_EQ(test::names_of(result.model, "Add").size(), 1U);
  EXPECT_LT(mean_error(model, result.model),
            mean_error(model, quantized(model, BiasCorrection::none).model) / 5);
}

}  // namespace
}  // namespace sotto::quantize
