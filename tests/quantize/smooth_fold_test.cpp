#include "quantize/smooth_fold.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<ov::Model> normalized(bool read_twice,
                                      const std::vector<float>& gain = test::random_values(8, 4)) {
  return test::behind_normalization(8, gain, read_twice);
}

/// Smoothed only: with both layers in the ignored scope nothing is rounded.
QuantizeResult smoothed(const std::shared_ptr<ov::Model>& model, bool fold) {
  return quantize(model, test::calibrate(model, test::mlp_inputs(5)),
                  {.smooth_quant_alpha = 0.5,
                   .smooth_quant_search = false,
                   .smooth_quant_fold = fold,
                   .ignored_scope = {.names = {"fc1", "fc2"}}});
}

std::vector<std::string> smoothing_multiplies(const std::shared_ptr<ov::Model>& model) {
  std::vector<std::string> found;
  for (const std::string& name : test::names_of(model, "Multiply")) {
    if (name.ends_with("nncf_smooth_quant")) {
      found.push_back(name);
    }
  }
  return found;
}

void expect_same_function(const std::shared_ptr<ov::Model>& a, const std::shared_ptr<ov::Model>& b) {
  const auto input = test::mlp_inputs(5)[4];
  EXPECT_LT(test::relative_error(test::infer(a, input), test::infer(b, input)), 1e-5);
}

TEST(SmoothFold, PutsScalesIntoTheNormalizationBefore) {
  for (const auto& gain : {test::random_values(8, 4), std::vector<float>{1.5F}}) {
    const auto model = normalized(false, gain);
    const auto result = smoothed(model, true);
    EXPECT_THAT(smoothing_multiplies(result.model), IsEmpty());
    EXPECT_TRUE(test::find(result.model, "ln.weight/smoothed"));
    EXPECT_TRUE(test::find(result.model, "ln.bias/smoothed"));
    expect_same_function(model, result.model);
  }
}

TEST(SmoothFold, LeavesAMultiplyWhereTheNormalizationIsReadElsewhere) {
  const auto model = normalized(true);
  const auto result = smoothed(model, true);
  EXPECT_THAT(smoothing_multiplies(result.model), ElementsAre("ln_0_0/nncf_smooth_quant"));
  expect_same_function(model, result.model);
}

TEST(SmoothFold, IsOffIfAsked) {
  const auto model = normalized(false);
  const auto result = smoothed(model, false);
  EXPECT_THAT(smoothing_multiplies(result.model), ElementsAre("ln_0_0/nncf_smooth_quant"));
  expect_same_function(model, result.model);
}

TEST(SmoothFold, QuantizesAsTheMultiplyWould) {
  const auto model = normalized(false);
  const Statistics statistics = test::calibrate(model, test::mlp_inputs(5));
  const auto folded = quantize(model, statistics, {.smooth_quant_search = false, .smooth_quant_fold = true});
  const auto apart = quantize(model, statistics, {.smooth_quant_search = false, .smooth_quant_fold = false});
  EXPECT_EQ(test::values_of(test::find(folded.model, "fc1.weight/i8")),
            test::values_of(test::find(apart.model, "fc1.weight/i8")));
  const auto input = test::mlp_inputs(5)[4];
  EXPECT_LT(test::relative_error(test::infer(apart.model, input), test::infer(folded.model, input)), 0.01);
}

}  // namespace
}  // namespace sotto::quantize
