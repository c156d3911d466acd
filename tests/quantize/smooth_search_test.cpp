#include "quantize/smooth_search.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

/// fc with inputs of which channel 2 is `outlier` times as large as the others, and its weights as much
/// smaller.
struct Layer {
  std::shared_ptr<ov::Model> model;
  std::vector<ov::Tensor> inputs;
};

Layer layer(float outlier) {
  const auto x = test::parameter({1, -1, 8}, "x");
  std::vector<float> weight = test::random_values(16 * 8, 1, 0.4F);
  for (std::size_t i = 2; i < weight.size(); i += 8) {
    weight[i] /= outlier;
  }
  Layer made{test::model(test::linear(x, {16, 8}, weight, {}, "fc"), {x}), {}};
  for (unsigned i = 0; i < 6; ++i) {
    ov::Tensor input(ov::element::f32, {1, 20, 8});
    std::vector<float> values = test::random_values(input.get_size(), 30 + i);
    for (std::size_t j = 2; j < values.size(); j += 8) {
      values[j] *= outlier;
    }
    std::copy(values.begin(), values.end(), input.data<float>());
    made.inputs.push_back(input);
  }
  return made;
}

double error(const Layer& layer, const QuantizeOptions& options) {
  const auto result = quantize(layer.model, test::calibrate(layer.model, layer.inputs), options);
  double worst = 0.0;
  for (const ov::Tensor& input : layer.inputs) {
    worst = std::max(worst,
                     test::relative_error(test::infer(layer.model, input), test::infer(result.model, input)));
  }
  return worst;
}

TEST(SmoothSearch, SmoothsWhereAChannelDwarfsTheOthers) {
  const Layer hard = layer(60.0F);
  const double searched = error(hard, {.smooth_quant_alpha = 0.0, .smooth_quant_search = true});
  EXPECT_LT(searched, error(hard, {.smooth_quant_alpha = -1.0}) / 4);
}

TEST(SmoothSearch, KeepsTheUsualScaleWhereNoneIsClearlyBetter) {
  const Layer even = layer(1.0F);
  const auto scale = [&](bool search) {
    const auto result = quantize(even.model, test::calibrate(even.model, even.inputs),
                                 {.smooth_quant_alpha = 0.5, .smooth_quant_search = search});
    return test::values_of(test::find(result.model, "x_0_0/nncf_smooth_quant/scale"));
  };
  EXPECT_EQ(scale(true), scale(false));
}

TEST(SmoothSearch, LeavesTheFunctionAsItWas) {
  const Layer hard = layer(60.0F);
  const auto result = quantize(hard.model, test::calibrate(hard.model, hard.inputs),
                               {.smooth_quant_search = true, .ignored_scope = {.names = {"fc"}}});
  EXPECT_LT(test::relative_error(test::infer(hard.model, hard.inputs[0]),
                                 test::infer(result.model, hard.inputs[0])),
            1e-5);
}

}  // namespace
}  // namespace sotto::quantize
