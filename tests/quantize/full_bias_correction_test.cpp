#include "quantize/full_bias_correction.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "support/expect_error.h"

namespace sotto::quantize {
namespace {

using sotto::test::expect_error;

/// Gives each of the inputs to the model.
Replay replay_of(const std::vector<ov::Tensor>& inputs) {
  return [&inputs](ov::InferRequest& request, const std::function<void()>& infer) {
    for (const ov::Tensor& input : inputs) {
      request.set_input_tensor(input);
      infer();
    }
  };
}

QuantizeResult corrected(const std::shared_ptr<ov::Model>& model,
                         const std::vector<ov::Tensor>& inputs,
                         QuantizeOptions options = {}) {
  if (options.bias_correction != BiasCorrection::none) {
    options.bias_correction = BiasCorrection::full;
  }
  return quantize(model, test::calibrate(model, inputs), options, {}, replay_of(inputs));
}

/// Mean over the inputs of the mean output of each channel, where only weights are quantized.
std::vector<double> mean_output(const std::shared_ptr<ov::Model>& model,
                                const std::vector<ov::Tensor>& inputs,
                                std::size_t n_channels) {
  const auto clone = model->clone();
  for (const auto& node : clone->get_ordered_ops()) {
    if (node->get_friendly_name().find("/fq_output_") != std::string::npos &&
        std::string(node->get_type_name()) == "FakeQuantize") {
      node->output(0).replace(node->input_value(0));
    }
  }
  std::vector<double> mean(n_channels, 0.0);
  for (const ov::Tensor& input : inputs) {
    const std::vector<float> y = test::infer(clone, input);
    const double share = static_cast<double>(n_channels) / static_cast<double>(y.size() * inputs.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      mean[i % n_channels] += share * static_cast<double>(y[i]);
    }
  }
  return mean;
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

TEST(FullBiasCorrection, GivesBackTheMeanOutputBehindQuantizedAndCorrectedLayers) {
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(5);
  const std::size_t n = model->output(0).get_partial_shape()[2].get_length();
  const auto exact = mean_output(model, inputs, n);
  const auto result = corrected(model, inputs);
  const auto without = corrected(model, inputs, {.bias_correction = BiasCorrection::none});
  EXPECT_LT(difference(exact, mean_output(result.model, inputs, n)), 1e-5);
  EXPECT_GT(difference(exact, mean_output(without.model, inputs, n)), 1e-4);
  for (const char* layer : {"fc1", "fc2"}) {
    const StepReport* report = test::report_of(result, "full_bias_correction", layer);
    ASSERT_TRUE(report) << layer;
    EXPECT_TRUE(report->done) << report->reason;
    EXPECT_GT(report->value, 0.0);
  }
}

TEST(FullBiasCorrection, SkipsAShiftBeyondTheThreshold) {
  const auto inputs = test::mlp_inputs(3);
  const auto result = corrected(test::mlp(), inputs, {.bias_correction_threshold = 0.0});
  const StepReport* report = test::report_of(result, "full_bias_correction", "fc1");
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->done);
  EXPECT_EQ(report->reason, "the shift is too large for the bias");
}

TEST(FullBiasCorrection, NeedsSamples) {
  const auto model = test::mlp();
  const Statistics statistics = test::calibrate(model, test::mlp_inputs(2));
  expect_error([&] { quantize(model, statistics, {.bias_correction = BiasCorrection::full}); },
               ErrorCode::invalid_argument, "expected samples to run again");
}

}  // namespace
}  // namespace sotto::quantize
