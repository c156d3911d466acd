#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "quantize/graphs.h"
#include "quantize/group_quantization.h"
#include "sotto/quantize.h"
#include "support/expect_error.h"

namespace sotto::quantize {
namespace {

using sotto::test::expect_error;

constexpr WeightMode kModes[] = {WeightMode::int8_asym, WeightMode::int8_sym, WeightMode::int4_asym,
                                 WeightMode::int4_sym};

TEST(GroupQuantization, ErrsByHalfAStepAtMost) {
  const std::vector<float> values = test::random_values(64 * 8, 3);
  for (const bool symmetric : {false, true}) {
    for (const unsigned n_bits : {4U, 8U}) {
      const GroupQuantized q = quantize_groups(values, 8, {n_bits, symmetric});
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float step = std::fabs(q.scale[i / 8]);
        // The side opposite the larger one of a symmetric range has one integer less.
        const float allowed = symmetric ? step : step / 2;
        EXPECT_LE(std::fabs(values[i] - dequantized(q, i, i / 8)), allowed * 1.001F);
      }
    }
  }
}

TEST(GroupQuantization, KeepsZerosAndConstants) {
  for (const bool symmetric : {false, true}) {
    const std::vector<float> values = {0, 0, 0, 0, 3, 3, 3, 3, -2, -2, 0, -2};
    const GroupQuantized q = quantize_groups(values, 4, {4, symmetric}, true);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(dequantized(q, i, i / 4), values[i], 1e-5F);
    }
  }
}

TEST(GroupQuantization, WeighsErrorsByTheImportanceOfTheirChannel) {
  std::vector<float> values = test::random_values(16, 5);
  values[7] = 30.0F;
  std::vector<float> importance(16, 1.0F);
  importance[7] = 1e-6F;
  const auto error_without_outlier = [&](const GroupQuantized& q) {
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += i == 7 ? 0.0 : std::pow(static_cast<double>(values[i] - dequantized(q, i, 0)), 2.0);
    }
    return sum;
  };
  EXPECT_LT(error_without_outlier(quantize_groups(values, 16, {4, false}, true, importance)),
            error_without_outlier(quantize_groups(values, 16, {4, false})));
}

TEST(CompressWeights, ChangesOutputsLittle) {
  const auto model = test::mlp();
  const auto inputs = test::mlp_inputs(3);
  const Statistics statistics = test::calibrate(model, inputs);
  for (const WeightMode mode : kModes) {
    const bool four = mode == WeightMode::int4_asym || mode == WeightMode::int4_sym;
    const QuantizeResult result = compress_weights(
        model, {.mode = mode, .group_size = 8, .awq = false, .ignored_scope = {}}, &statistics);
    const double error =
        test::relative_error(test::infer(model, inputs[2]), test::infer(result.model, inputs[2]));
    EXPECT_LT(error, four ? 0.15 : 0.02);
    EXPECT_GT(error, 0.0);
    ASSERT_EQ(result.steps.size(), 2U);
    EXPECT_EQ(result.steps[0].node, "fc1");
    EXPECT_GT(result.steps[0].value, four ? 12.0 : 35.0);
    EXPECT_EQ(result.steps[1].reason, four ? "8 bits: a token table or the last layer" : "");
  }
}

TEST(CompressWeights, LeavesTheMostSensitiveLayersAt8Bits) {
  const auto model = test::mlp();
  const auto with_ratio = [&](double ratio) {
    CompressWeightsOptions options;
    options.mode = WeightMode::int4_sym;
    options.group_size = 8;
    options.all_layers = true;
    options.ratio = ratio;
    std::size_t n_four = 0;
    for (const StepReport& step : compress_weights(model, options).steps) {
      n_four += step.reason.empty() ? 1 : 0;
    }
    return n_four;
  };
  EXPECT_EQ(with_ratio(1.0), 2U);
  EXPECT_EQ(with_ratio(0.5), 1U);
  EXPECT_EQ(with_ratio(0.0), 0U);
}

TEST(CompressWeights, LeavesWhatIsIgnored) {
  CompressWeightsOptions options;
  options.ignored_scope.names = {"fc2"};
  const auto result = compress_weights(test::mlp(), options);
  EXPECT_NE(test::find(result.model, "fc2.weight"), nullptr);
  EXPECT_EQ(test::find(result.model, "fc1.weight"), nullptr);
  options.ignored_scope.names = {"fc9"};
  expect_error([&] { compress_weights(test::mlp(), options); }, ErrorCode::not_found, "fc9");
}

TEST(CompressWeights, RefusesWhatItCannotUse) {
  const auto model = test::mlp();
  expect_error([&] { compress_weights(nullptr); }, ErrorCode::invalid_argument, "expected a model");
  CompressWeightsOptions options;
  options.ratio = 1.5;
  expect_error([&] { compress_weights(model, options); }, ErrorCode::invalid_argument, "ratio of 0 to 1");
  options = {};
  options.group_size = 0;
  expect_error([&] { compress_weights(model, options); }, ErrorCode::invalid_argument, "group_size");
  const auto twice = compress_weights(model).model;
  expect_error([&] { compress_weights(twice); }, ErrorCode::bad_format, "already quantized");
  const Statistics other = test::calibrate(test::mlp(9), test::mlp_inputs(1));
  expect_error([&] { compress_weights(model, {}, &other); }, ErrorCode::invalid_argument, "another one");
  std::vector<float> weight(64, 1.0F);
  weight[5] = std::numeric_limits<float>::quiet_NaN();
  const auto x = test::parameter({1, -1, 8}, "x");
  const auto broken = test::model(test::linear(x, {8, 8}, weight, {}, "fc"), {x});
  expect_error([&] { compress_weights(broken); }, ErrorCode::bad_format, "fc");
}

TEST(CompressWeights, GivesTheSameBytesEachTime) {
  const auto values = [](const std::shared_ptr<ov::Model>& m) {
    std::vector<float> all;
    for (const auto& node : m->get_ordered_ops()) {
      if (const auto constant = std::dynamic_pointer_cast<test::op::Constant>(node)) {
        const auto some = constant->cast_vector<float>();
        all.insert(all.end(), some.begin(), some.end());
      }
    }
    return all;
  };
  CompressWeightsOptions options;
  options.mode = WeightMode::int4_asym;
  options.group_size = 8;
  EXPECT_EQ(values(compress_weights(test::mlp(), options).model),
            values(compress_weights(test::mlp(), options).model));
}

}  // namespace
}  // namespace sotto::quantize
