#include "model/weights.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>

#include "model/checkpoint.h"
#include "support/expect_error.h"

namespace sotto::model {
namespace {

using ov::op::v0::Constant;

/// One tensor "w" in memory of its own.
struct OneTensor {
  OneTensor(DType dtype, const std::string& name, std::vector<std::size_t> shape, std::string content)
      : bytes(std::make_shared<std::string>(std::move(content))) {
    tensors["w"] = {dtype, name, std::move(shape), std::as_bytes(std::span(*bytes))};
  }
  Weights weights() { return {"x", tensors, bytes}; }

  std::shared_ptr<std::string> bytes;
  TensorMap tensors;
};

std::shared_ptr<Constant> constant_of(const ov::Output<ov::Node>& value) {
  const auto node = value.get_node_shared_ptr();
  const auto convert = ov::as_type_ptr<ov::op::v0::Convert>(node);
  return ov::as_type_ptr<Constant>(convert ? convert->get_input_node_shared_ptr(0) : node);
}

TEST(Weights, ShareTheMemoryOfTheFile) {
  OneTensor f16(DType::f16, "F16", {4}, test::encode({1, 2, 3, 4}, "F16"));
  const auto value = f16.weights().get("w", {4}, {1, 4});
  EXPECT_EQ(value.get_element_type(), ov::element::f32);
  EXPECT_EQ(value.get_shape(), (ov::Shape{1, 4}));
  EXPECT_EQ(constant_of(value)->get_data_ptr(), static_cast<const void*>(f16.bytes->data()));
}

TEST(Weights, AreCopiedWhereTheFileLeavesThemUnaligned) {
  OneTensor f32(DType::f32, "F32", {2}, "?" + test::encode({1.5F, -2.5F}, "F32"));
  f32.tensors["w"].bytes = f32.tensors["w"].bytes.subspan(1);
  EXPECT_EQ(constant_of(f32.weights().get("w", {2}))->cast_vector<float>(),
            (std::vector<float>{1.5F, -2.5F}));
}

TEST(Weights, OfBf16BecomeF16IfTheyFitAndF32IfNot) {
  const auto bf16 = [](const std::vector<float>& values) {
    std::vector<std::uint16_t> bits;
    for (const float value : values) {
      bits.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U));
    }
    return OneTensor(DType::bf16, "BF16", {values.size()}, test::bytes_of(bits));
  };
  const auto fits = constant_of(bf16({1.5F, -65280.0F, 0.0F}).weights().get("w", {3}));
  EXPECT_EQ(fits->get_element_type(), ov::element::f16);
  EXPECT_EQ(fits->cast_vector<float>(), (std::vector<float>{1.5F, -65280.0F, 0.0F}));
  const auto wide = constant_of(bf16({1.5F, 65536.0F}).weights().get("w", {2}));
  EXPECT_EQ(wide->get_element_type(), ov::element::f32);
  EXPECT_EQ(wide->cast_vector<float>(), (std::vector<float>{1.5F, 65536.0F}));
  const auto broken = constant_of(bf16({std::numeric_limits<float>::quiet_NaN()}).weights().get("w", {1}));
  EXPECT_EQ(broken->get_element_type(), ov::element::f32);
}

TEST(Weights, RefuseOtherTypes) {
  OneTensor i64(DType::other, "I64", {1}, std::string(8, '0'));
  test::expect_error([&] { i64.weights().get("w", {1}); }, ErrorCode::unsupported,
                     "x: w: expected weights in F32, F16 or BF16, found I64");
}

}  // namespace
}  // namespace sotto::model
