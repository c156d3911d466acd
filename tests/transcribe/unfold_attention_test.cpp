#include "transcribe/unfold_attention.h"

#include <cstddef>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/runtime/core.hpp>

namespace sotto::transcribe {
namespace {

using ov::op::v0::Constant;
using ov::op::v0::Parameter;
using Value = ov::Output<ov::Node>;

Value quantized(const Value& x) {
  const auto scalar = [](float value) { return Constant::create(ov::element::f32, {}, {value}); };
  return std::make_shared<ov::op::v0::FakeQuantize>(x, scalar(-2.0F), scalar(1.984375F), scalar(-2.0F),
                                                    scalar(1.984375F), 256);
}

struct Options {
  bool quantize = true;
  float mask = 0.0F;
  float scale = 1.0F;
  bool causal = false;
};

/// Attention over q, k, v [1, 3, n, 5].
std::shared_ptr<ov::Model> attention_model(const Options& options) {
  ov::ParameterVector inputs;
  ov::OutputVector values;
  for (const std::int64_t n : {7, 9, 9}) {
    inputs.push_back(std::make_shared<Parameter>(ov::element::f32, ov::PartialShape{1, 3, n, 5}));
    const bool is_value = inputs.size() == 3;
    values.push_back(options.quantize && !is_value ? quantized(inputs.back()) : inputs.back());
  }
  const auto scalar = [](float value) { return Constant::create(ov::element::f32, {}, {value}); };
  values.insert(values.end(), {scalar(options.mask), scalar(options.scale)});
  const auto attention = std::make_shared<ov::op::v13::ScaledDotProductAttention>(values, options.causal);
  return std::make_shared<ov::Model>(ov::OutputVector{attention}, inputs);
}

std::vector<float> run(const std::shared_ptr<ov::Model>& model) {
  ov::Core core;
  auto request = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32))
                     .create_infer_request();
  for (std::size_t i = 0; i < 3; ++i) {
    ov::Tensor input = request.get_input_tensor(i);
    for (std::size_t j = 0; j < input.get_size(); ++j) {
      input.data<float>()[j] = static_cast<float>((j * 37 + i * 11) % 64) / 16.0F - 2.0F;
    }
  }
  request.infer();
  const ov::Tensor output = request.get_output_tensor();
  return {output.data<const float>(), output.data<const float>() + output.get_size()};
}

TEST(UnfoldAttention, ComputesTheSame) {
  const auto model = attention_model({});
  const std::vector<float> expected = run(model);
  ASSERT_EQ(unfold_attention(*model), 1U);
  const std::vector<float> got = run(model);
  ASSERT_EQ(got.size(), 3U * 7U * 5U);
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 1e-5F);
  }
}

TEST(UnfoldAttention, LeavesOtherAttentionAlone) {
  EXPECT_EQ(unfold_attention(*attention_model({.quantize = false})), 0U);
  EXPECT_EQ(unfold_attention(*attention_model({.mask = -1.0F})), 0U);
  EXPECT_EQ(unfold_attention(*attention_model({.scale = 0.5F})), 0U);
  EXPECT_EQ(unfold_attention(*attention_model({.causal = true})), 0U);
}

}  // namespace
}  // namespace sotto::transcribe
