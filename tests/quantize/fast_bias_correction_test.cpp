#include "quantize/fast_bias_correction.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

std::shared_ptr<ov::Model> layer(const std::vector<float>& bias) {
  const auto x = test::parameter({1, -1, 8}, "x");
  return test::model(test::linear(x, {4, 8}, test::random_values(32, 3), bias, "fc"), {x});
}

/// Inputs whose mean is far from zero, so that errors of the weights do not cancel.
std::vector<ov::Tensor> shifted_inputs() {
  std::vector<ov::Tensor> inputs = test::mlp_inputs(8);
  for (ov::Tensor& input : inputs) {
    for (std::size_t i = 0; i < input.get_size(); ++i) {
      input.data<float>()[i] += 3.0F;
    }
  }
  return inputs;
}

/// Mean over samples of the mean of each output channel.
std::vector<double> mean_output(const std::shared_ptr<ov::Model>& model,
                                const std::vector<ov::Tensor>& inputs) {
  std::vector<double> mean(4, 0.0);
  for (const ov::Tensor& input : inputs) {
    const std::vector<float> y = test::infer(model, input);
    for (std::size_t i = 0; i < y.size(); ++i) {
      mean[i % 4] += static_cast<double>(y[i]) * 4.0 / static_cast<double>(y.size() * inputs.size());
    }
  }
  return mean;
}

TEST(FastBiasCorrection, BringsBackTheMeanOutput) {
  const auto model = layer({1, 2, -3, 4});
  const auto inputs = shifted_inputs();
  const Statistics statistics = test::calibrate(model, inputs);
  const std::vector<double> expected = mean_output(model, inputs);
  // Without activation quantizers only the weights' error is left, which the correction takes out.
  const auto error = [&](bool correct) {
    const auto result = quantize(model, statistics,
                                 {.smooth_quant_alpha = -1.0,
                                  .bias_correction = correct ? BiasCorrection::fast : BiasCorrection::none,
                                  .compress_weights = false});
    const auto fq = test::find(result.model, "x/fq_output_0");
    fq->output(0).replace(fq->input_value(0));
    const std::vector<double> found = mean_output(result.model, inputs);
    double sum = 0.0;
    for (std::size_t c = 0; c < 4; ++c) {
      sum += std::abs(found[c] - expected[c]);
    }
    return sum;
  };
  EXPECT_LT(error(true), error(false) / 100);
}

TEST(FastBiasCorrection, SkipsALayerWithABiasOfZeroAndSaysSo) {
  const auto model = layer({1, 0, -3, 4});
  const auto result =
      quantize(model, test::calibrate(model, shifted_inputs()), {.bias_correction = BiasCorrection::fast});
  const StepReport* report = test::report_of(result, "fast_bias_correction", "fc");
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->done);
  EXPECT_THAT(report->reason, testing::HasSubstr("exactly 0"));
  EXPECT_EQ(test::values_of(test::find(result.model, "fc.bias")), (std::vector<float>{1, 0, -3, 4}));
}

TEST(FastBiasCorrection, SkipsAShiftBeyondTheThreshold) {
  const auto model = layer({1e-6F, 2, -3, 4});
  const auto result =
      quantize(model, test::calibrate(model, shifted_inputs()), {.bias_correction = BiasCorrection::fast});
  const StepReport* report = test::report_of(result, "fast_bias_correction", "fc");
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->done);
  EXPECT_GT(report->value, 2.0);
}

}  // namespace
}  // namespace sotto::quantize
