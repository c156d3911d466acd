#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "sotto/quantize.h"

namespace sotto::quantize {
namespace {

constexpr std::size_t kChannels = 128;

/// Two layers behind a normalization with gains from e⁻⁴ to e⁴.
std::shared_ptr<ov::Model> normalized(bool read_elsewhere) {
  std::vector<float> gain = test::random_values(kChannels, 6);
  std::ranges::transform(gain, gain.begin(), [](float g) { return std::exp(4.0F * g); });
  return test::behind_normalization(kChannels, gain, read_elsewhere);
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
