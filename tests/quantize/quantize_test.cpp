#include "sotto/quantize.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "support/expect_error.h"

namespace sotto::quantize {
namespace {

using sotto::test::expect_error;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

QuantizeResult quantized_mlp(const QuantizeOptions& options = {}) {
  const auto model = test::mlp();
  return quantize(model, test::calibrate(model, test::mlp_inputs(5)), options);
}

/// Primitive and precision of every layer of a type that the CPU runs.
std::vector<std::string> executed(const std::shared_ptr<ov::Model>& model, const std::string& type) {
  std::vector<std::string> found;
  ov::Core core;
  const auto compiled = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32));
  for (const auto& node : compiled.get_runtime_model()->get_ordered_ops()) {
    const auto& info = node->get_rt_info();
    if (info.at("layerType").as<std::string>() == type) {
      found.push_back(info.at("runtimePrecision").as<std::string>());
    }
  }
  return found;
}

TEST(Quantize, PutsQuantizersBehindSmoothedInputsAndStoresWeightsAsI8) {
  const QuantizeResult result = quantized_mlp();
  EXPECT_THAT(test::names_of(result.model, "FakeQuantize"),
              ElementsAre("x_0_0/nncf_smooth_quant/fq_output_0", "gelu_0_0/nncf_smooth_quant/fq_output_0"));
  for (const char* name : {"fc1/fq_weights_1", "fc2/fq_weights_1"}) {
    const auto multiply = test::find(result.model, name);
    ASSERT_TRUE(multiply);
    EXPECT_EQ(multiply->get_input_node_ptr(0)->get_input_element_type(0), ov::element::i8);
  }
}

TEST(Quantize, IsCloseToTheModelAndLeavesItAlone) {
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(5);
  const std::vector<float> expected = test::infer(model, inputs[4]);
  const std::size_t n_ops = model->get_ops().size();
  const QuantizeResult result = quantize(model, test::calibrate(model, inputs));
  EXPECT_LT(test::relative_error(expected, test::infer(result.model, inputs[4])), 0.05);
  EXPECT_EQ(model->get_ops().size(), n_ops);
  EXPECT_EQ(test::infer(model, inputs[4]), expected);
}

TEST(Quantize, RunsMatMulsOnIntegers) {
  EXPECT_THAT(executed(quantized_mlp().model, "FullyConnected"), testing::Each(testing::AnyOf("u8", "i8")));
}

/// The operation between the integers of a weight and their scale.
std::string type_behind_integers(const std::shared_ptr<ov::Model>& model, const std::string& weight) {
  return test::find(model, weight)->get_input_node_ptr(0)->get_type_name();
}

TEST(Quantize, TakesAsymmetricWeightsAndRangesOfWholeTensors) {
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(5);
  const std::vector<float> expected = test::infer(model, inputs[4]);
  const Statistics statistics = test::calibrate(model, inputs);
  for (const Parity parity : {Parity::none, Parity::nncf}) {
    for (const bool per_channel : {true, false}) {
      const QuantizeResult result = quantize(model, statistics,
                                             {.parity = parity,
                                              .weights_quantization_mode = QuantizationMode::asymmetric,
                                              .weights_per_channel = per_channel});
      EXPECT_EQ(type_behind_integers(result.model, "fc1/fq_weights_1"), "Subtract");
      const auto scale = test::find(result.model, "fc1/fq_weights_1")->get_input_shape(1);
      EXPECT_EQ(ov::shape_size(scale) > 1, per_channel);
      EXPECT_LT(test::relative_error(expected, test::infer(result.model, inputs[4])), 0.05);
    }
    const QuantizeResult symmetric =
        quantize(model, statistics, {.parity = parity, .weights_per_channel = false});
    EXPECT_EQ(type_behind_integers(symmetric.model, "fc1/fq_weights_1"), "Convert");
    EXPECT_LT(test::relative_error(expected, test::infer(symmetric.model, inputs[4])), 0.05);
  }
}

/// Where zero lies in the range of the input's quantizer: 0 at its low end, 1 at its high one.
double place_of_zero(const QuantizeOptions& options) {
  const auto result = quantized_mlp(options);
  const auto quantizers = test::names_of(result.model, "FakeQuantize");
  const auto fq = test::find(result.model, quantizers.front());
  const double low = test::values_of(fq->get_input_node_shared_ptr(1)).front();
  const double high = test::values_of(fq->get_input_node_shared_ptr(2)).front();
  return -low / (high - low);
}

TEST(Quantize, TakesTheModeOfActivationsBeforeThePresets) {
  constexpr double kMiddle = 128.0 / 255;
  EXPECT_NEAR(place_of_zero({.activations_quantization_mode = QuantizationMode::symmetric}), kMiddle, 1e-6);
  EXPECT_NEAR(place_of_zero({.preset = Preset::performance}), kMiddle, 1e-6);
  EXPECT_EQ(place_of_zero({.preset = Preset::performance,
                           .activations_quantization_mode = QuantizationMode::asymmetric}),
            place_of_zero({}));
  EXPECT_GT(std::abs(place_of_zero({}) - kMiddle), 1e-3);
}

TEST(Quantize, OfTheSameInputIsTheSame) {
  const QuantizeOptions options{.smooth_quant_search = true, .bias_correction = BiasCorrection::per_channel};
  const auto a = quantized_mlp(options);
  const auto b = quantized_mlp(options);
  const auto inputs = test::mlp_inputs(3);
  EXPECT_EQ(test::infer(a.model, inputs[2]), test::infer(b.model, inputs[2]));
  for (const char* name :
       {"fc1.weight/i8", "fc2.weight/i8", "fc1.bias", "gelu_0_0/nncf_smooth_quant/scale"}) {
    EXPECT_EQ(test::values_of(test::find(a.model, name)), test::values_of(test::find(b.model, name))) << name;
  }
}

TEST(Quantize, ReportsEachStepOfEachLayer) {
  const QuantizeResult result = quantized_mlp();
  for (const char* algorithm : {"smooth_quant", "compress_weights"}) {
    for (const char* layer : {"fc1", "fc2"}) {
      ASSERT_TRUE(test::report_of(result, algorithm, layer)) << algorithm << " " << layer;
      EXPECT_TRUE(test::report_of(result, algorithm, layer)->done);
    }
  }
  EXPECT_TRUE(test::report_of(result, "bias_correction", "fc1"));
  EXPECT_TRUE(test::report_of(quantized_mlp({.parity = Parity::nncf}), "fast_bias_correction", "fc1"));
}

TEST(Quantize, WithoutSmoothingQuantizesTheTensorsThemselves) {
  const QuantizeResult result = quantized_mlp({.smooth_quant_alpha = -1.0});
  EXPECT_THAT(test::names_of(result.model, "FakeQuantize"), ElementsAre("x/fq_output_0", "gelu/fq_output_0"));
  EXPECT_THAT(test::names_of(result.model, "Multiply"),
              UnorderedElementsAre("fc1/fq_weights_1", "fc2/fq_weights_1"));
}

TEST(Quantize, KeepsFloatingPointWeightsIfAsked) {
  const QuantizeResult result = quantized_mlp({.compress_weights = false});
  EXPECT_THAT(test::names_of(result.model, "FakeQuantize"), testing::Contains("fc1/fq_weights_1"));
  const auto compressed = quantized_mlp();
  const auto inputs = test::mlp_inputs(3);
  EXPECT_LT(
      test::relative_error(test::infer(compressed.model, inputs[2]), test::infer(result.model, inputs[2])),
      1e-5);
}

TEST(Quantize, LeavesLayersInTheIgnoredScopeInFloatingPoint) {
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(5);
  const Statistics statistics = test::calibrate(model, inputs);
  for (const IgnoredScope& scope : {IgnoredScope{.names = {"fc1", "fc2"}},
                                    IgnoredScope{.patterns = {"fc\\d"}}, IgnoredScope{.types = {"MatMul"}}}) {
    const QuantizeResult result = quantize(model, statistics, {.ignored_scope = scope});
    EXPECT_THAT(test::names_of(result.model, "FakeQuantize"), IsEmpty());
    EXPECT_THAT(test::report_of(result, "min_max", "fc1")->reason, testing::HasSubstr("ignored scope"));
    EXPECT_LT(test::relative_error(test::infer(model, inputs[4]), test::infer(result.model, inputs[4])),
              1e-5);
  }
}

TEST(Quantize, RefusesARuleThatMatchesNothingUnlessToldNotTo) {
  IgnoredScope scope{.names = {"fc1", "nonsense"}};
  expect_error([&] { quantized_mlp({.ignored_scope = scope}); }, ErrorCode::not_found, "nonsense");
  scope.validate = false;
  EXPECT_EQ(test::names_of(quantized_mlp({.ignored_scope = scope}).model, "FakeQuantize").size(), 1U);
  expect_error([&] { quantized_mlp({.ignored_scope = {.patterns = {"("}}}); }, ErrorCode::invalid_argument,
               "\"(\"");
}

TEST(Quantize, IgnoresTheNodesBetweenTwoOfASubgraph) {
  const QuantizeResult result = quantized_mlp({.ignored_scope = {.subgraphs = {{{"gelu"}, {"fc2"}}}}});
  EXPECT_THAT(test::names_of(result.model, "FakeQuantize"),
              ElementsAre("x_0_0/nncf_smooth_quant/fq_output_0"));
  expect_error([] { quantized_mlp({.ignored_scope = {.subgraphs = {{{"fc2"}, {"gelu"}}}}}); },
               ErrorCode::not_found, "from \"fc2\" to \"gelu\"");
}

TEST(Quantize, QuantizesTheResultsIfAsked) {
  EXPECT_THAT(test::names_of(quantized_mlp({.quantize_outputs = true}).model, "FakeQuantize"),
              testing::Contains("fc2/add/fq_output_0"));
}

/// The upper end of the range of the first layer's input, where every token of a few inputs is kept.
float high_of_input(const RangeEstimator& estimator) {
  const auto result = quantized_mlp({.smooth_quant_alpha = -1.0, .activation_range = estimator});
  return test::values_of(test::find(result.model, "x/fq_output_0/input_high"))[0];
}

TEST(Quantize, TakesTheRangeThatTheEstimatorSays) {
  EXPECT_GT(high_of_input({.max = Aggregator::maximum}), high_of_input({}));
  EXPECT_LT(high_of_input({.max = Aggregator::minimum}), high_of_input({}));
}

TEST(Quantize, TakesAQuantileOfAllValues) {
  std::vector<float> values;
  for (const ov::Tensor& input : test::mlp_inputs(5)) {
    values.insert(values.end(), input.data<const float>(), input.data<const float>() + input.get_size());
  }
  std::ranges::sort(values);
  const float expected = values[values.size() * 7 / 10];
  EXPECT_NEAR(
      high_of_input({.min = Aggregator::quantile, .max = Aggregator::quantile, .outlier_probability = 0.3}),
      expected, 0.15F * expected);
}

TEST(Quantize, TakesTheRangeOfTheLeastSquaredErrorForAHistogram) {
  const float largest = high_of_input({.min = Aggregator::minimum, .max = Aggregator::maximum});
  const float found = high_of_input({.min = Aggregator::histogram, .max = Aggregator::histogram});
  EXPECT_LE(found, largest * 1.01F);
  EXPECT_GT(found, largest * 0.5F);  // a twentieth of the values is that large
}

/// Tokens of 256 channels with long tails.
ov::Tensor long_tailed_tokens(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::exponential_distribution<float> size(1.0F);
  ov::Tensor tokens(ov::element::f32, {1, n, 256});
  std::generate_n(tokens.data<float>(), tokens.get_size(),
                  [&] { return generator() % 2 == 0 ? size(generator) : -size(generator); });
  return tokens;
}

/// Squared error of the outputs over their square.
double noise_to_signal(const ov::Tensor& tokens,
                       const std::shared_ptr<ov::Model>& exact,
                       const std::shared_ptr<ov::Model>& quantized) {
  const std::vector<float> expected = test::infer(exact, tokens);
  const std::vector<float> found = test::infer(quantized, tokens);
  double signal = 0.0;
  double noise = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto error = static_cast<double>(expected[i] - found[i]);
    signal += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
    noise += error * error;
  }
  return noise / signal;
}

TEST(Quantize, LeavesRoomForWhatCalibrationHasNotHeard) {
  const auto x = test::parameter({1, -1, 256}, "x");
  const auto m = test::model(test::linear(x, {64, 256}, test::random_values(64 * 256, 1), {}, "fc"), {x});
  std::vector<ov::Tensor> heard;  // one token each, as a decoder has them
  for (unsigned i = 0; i < 32; ++i) {
    heard.push_back(long_tailed_tokens(1, i));
  }
  const auto result = quantize(m, test::calibrate(m, heard), {.smooth_quant_alpha = 0.95});
  EXPECT_LT(noise_to_signal(long_tailed_tokens(64, 100), m, result.model), 4e-3);
}

TEST(Resolved, IsAsAskedWithoutParity) {
  const QuantizeOptions asked{.smooth_quant_search = true, .bias_correction = BiasCorrection::per_channel};
  const QuantizeOptions found = resolved(asked);
  EXPECT_TRUE(found.smooth_quant_search && found.smooth_quant_fold && found.search_ranges);
  EXPECT_EQ(found.bias_correction, BiasCorrection::per_channel);
  EXPECT_EQ(found.overflow_fix, OverflowFix::automatic);
}

TEST(Resolved, DecidesAsNncfDoesWithParity) {
  QuantizeOptions asked{.parity = Parity::nncf};
  asked.smooth_quant_search = true;
  asked.bias_correction = BiasCorrection::per_channel;
  const QuantizeOptions found = resolved(asked);
  EXPECT_FALSE(found.smooth_quant_search || found.smooth_quant_fold || found.search_ranges);
  EXPECT_TRUE(found.attention_inputs);
  EXPECT_EQ(found.bias_correction, BiasCorrection::fast);
  EXPECT_EQ(found.overflow_fix, OverflowFix::first_layer_only);
}

TEST(Resolved, HasNoHalfRangeWithAsymmetricWeights) {
  EXPECT_EQ(resolved({.parity = Parity::nncf, .weights_quantization_mode = QuantizationMode::asymmetric})
                .overflow_fix,
            OverflowFix::disable);
}

TEST(Resolved, LeavesWithParityWhatNncfCanBeToldToo) {
  const QuantizeOptions found = resolved({.parity = Parity::nncf,
                                          .preset = Preset::performance,
                                          .smooth_quant_alpha = 0.3,
                                          .bias_correction = BiasCorrection::none,
                                          .overflow_fix = OverflowFix::enable});
  EXPECT_EQ(found.preset, Preset::performance);
  EXPECT_EQ(found.smooth_quant_alpha, 0.3);
  EXPECT_EQ(found.bias_correction, BiasCorrection::none);
  EXPECT_EQ(found.overflow_fix, OverflowFix::enable);
}

TEST(Quantize, RefusesOptionsOutOfRange) {
  expect_error([] { quantized_mlp({.activation_range = RangeEstimator{.max = Aggregator::histogram}}); },
               ErrorCode::invalid_argument, "histogram of both min and max");
  expect_error([] { quantized_mlp({.activation_range = RangeEstimator{.outlier_probability = 0.6}}); },
               ErrorCode::invalid_argument, "outlier_probability");
  expect_error([] { quantized_mlp({.smooth_quant_alpha = 1.5}); }, ErrorCode::invalid_argument,
               "smooth_quant_alpha");
  for (const OverflowFix fix : {OverflowFix::enable, OverflowFix::first_layer_only}) {
    expect_error(
        [&] {
          quantized_mlp({.weights_quantization_mode = QuantizationMode::asymmetric, .overflow_fix = fix});
        },
        ErrorCode::invalid_argument, "found half range");
  }
  expect_error([] { quantized_mlp({.bias_correction_threshold = -1}); }, ErrorCode::invalid_argument,
               "threshold");
}

TEST(Quantize, RefusesStatisticsOfNothingOrOfAnotherModel) {
  const auto model = test::mlp(1);
  expect_error([&] { quantize(model, test::calibrate(model, {})); }, ErrorCode::invalid_argument,
               "at least one");
  expect_error([&] { quantize(model, test::calibrate(test::mlp(2), test::mlp_inputs(1))); },
               ErrorCode::invalid_argument, "another");
  expect_error([&] { quantize(nullptr, test::calibrate(model, test::mlp_inputs(1))); },
               ErrorCode::invalid_argument, "expected a model");
}

TEST(Quantize, RefusesAModelThatIsQuantizedAlready) {
  const QuantizeResult result = quantized_mlp();
  expect_error([&] { Collector{result.model}; }, ErrorCode::bad_format, "already quantized");
}

}  // namespace
}  // namespace sotto::quantize
