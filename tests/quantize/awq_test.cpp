#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "sotto/quantize.h"

namespace sotto::quantize {
namespace {

constexpr std::size_t kChannels = 128;

/// x [1, ?, 128] → normalization with gains from e⁻⁴ to e⁴ → two layers → their sum, and the
/// normalization itself if it is read elsewhere.
std::shared_ptr<ov::Model> normalized(bool read_elsewhere) {
  const auto x = test::parameter({1, -1, static_cast<std::int64_t>(kChannels)}, "x");
  const auto axes = test::op::Constant::create(ov::element::i64, {1}, {-1});
  const auto mvn = std::make_shared<test::op::MVN>(x, axes, true, 1e-5F, ov::op::MVNEpsMode::INSIDE_SQRT);
  std::vector<float> gain = test::random_values(kChannels, 6);
  std::ranges::transform(gain, gain.begin(), [](float g) { return std::exp(4.0F * g); });
  const auto scaled =
      std::make_shared<test::op::Multiply>(mvn, test::constant({1, 1, kChannels}, gain, "ln.weight"));
  const auto y =
      test::named(std::make_shared<test::op::Add>(
                      scaled, test::constant({kChannels}, test::random_values(kChannels, 5), "ln.bias")),
                  "ln");
  const ov::Shape square{kChannels, kChannels};
  const auto a = test::linear(y, square, test::random_values(kChannels * kChannels, 1), {}, "fc1");
  const auto b = test::linear(y, square, test::random_values(kChannels * kChannels, 2), {}, "fc2");
  auto sum = std::make_shared<test::op::Add>(a, b)->output(0);
  if (read_elsewhere) {
    sum = std::make_shared<test::op::Add>(sum, y);
  }
  return test::model(sum, {x});
}

ov::Tensor input(unsigned seed) {
  ov::Tensor tensor(ov::element::f32, {1, 40, kChannels});
  const std::vector<float> values = test::random_values(tensor.get_size(), seed);
  std::copy(values.begin(), values.end(), tensor.data<float>());
  return tensor;
}

/// Root mean square of the difference.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += std::pow(static_cast<double>(a[i] - b[i]), 2.0);
  }
  return std::sqrt(sum / static_cast<double>(a.size()));
}

struct Outcome {
  double error = 0.0;
  std::vector<StepReport> steps;
};

Outcome compressed(const std::shared_ptr<ov::Model>& model, bool awq, bool with_statistics = true) {
  const Statistics statistics = test::calibrate(model, {input(1), input(2), input(3), input(4)});
  CompressWeightsOptions options;
  options.mode = WeightMode::int4_asym;
  options.group_size = 64;
  options.all_layers = true;
  options.awq = awq;
  const auto result = compress_weights(model, options, with_statistics ? &statistics : nullptr);
  const auto heard = input(9);
  Outcome outcome{distance(test::infer(model, heard), test::infer(result.model, heard)), {}};
  for (const StepReport& step : result.steps) {
    if (step.algorithm == "awq") {
      outcome.steps.push_back(step);
    }
  }
  return outcome;
}

TEST(Awq, ProtectsTheWeightsOfChannelsThatAreLarge) {
  const auto model = normalized(false);
  const Outcome with = compressed(model, true);
  EXPECT_LT(with.error, 0.9 * compressed(model, false).error);
  ASSERT_EQ(with.steps.size(), 2U);
  for (const StepReport& step : with.steps) {
    EXPECT_TRUE(step.done) << step.reason;
    EXPECT_GT(step.value, 0.5);
  }
}

TEST(Awq, LeavesANormalizationAloneThatIsReadElsewhere) {
  const auto model = normalized(true);
  const Outcome with = compressed(model, true);
  EXPECT_TRUE(with.steps.empty());
  EXPECT_EQ(with.error, compressed(model, false).error);
}

TEST(Awq, SaysWhyALayerHasNone) {
  const auto model = test::mlp();
  const Statistics statistics = test::calibrate(model, test::mlp_inputs(5));
  CompressWeightsOptions options;
  options.mode = WeightMode::int4_asym;
  options.group_size = 8;
  const auto result = compress_weights(model, options, &statistics);
  const StepReport* report = test::report_of(result, "awq", "fc1");  // reads the model's input
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->done);
  EXPECT_NE(report->reason, "");
}

TEST(Awq, NeedsStatistics) {
  EXPECT_TRUE(compressed(normalized(false), true, false).steps.empty());
}

}  // namespace
}  // namespace sotto::quantize
