#include "quantize/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quantize/graphs.h"

namespace sotto::quantize {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::FloatEq;

/// A MatMul weight of a model that lives as long as the test.
class WeightOf {
 public:
  WeightOf(const ov::Shape& shape, const std::vector<float>& values, bool transpose, ov::element::Type type)
      : x_(test::parameter(ov::PartialShape{1, -1, static_cast<std::int64_t>(shape[transpose ? 1 : 0])},
                           "x")),
        model_(test::model(
            std::make_shared<test::op::MatMul>(x_, operand(shape, values, type), false, transpose), {x_})),
        graph_(model_) {}

  const Weight& get() const { return *graph_.weight(*model_->get_result()->get_input_node_ptr(0)); }

 private:
  static test::Output operand(const ov::Shape& shape,
                              const std::vector<float>& values,
                              ov::element::Type type) {
    const auto constant = test::op::Constant::create(type, shape, values);
    if (type == ov::element::f32) {
      return constant;
    }
    return std::make_shared<test::op::Convert>(constant, ov::element::f32);
  }

  std::shared_ptr<test::op::Parameter> x_;
  std::shared_ptr<ov::Model> model_;
  InferenceGraph graph_;
};

const std::vector<float> kValues = {1,   -4, 2,  //
                                    0.5, 3,  -8};

TEST(WeightRange, IsTheLargestMagnitudeOfEachOutputChannel) {
  const WeightOf rows({2, 3}, kValues, true, ov::element::f32);
  EXPECT_THAT(weight_range(kValues, rows.get()).high, ElementsAre(4, 8));
  EXPECT_THAT(weight_range(kValues, rows.get()).shape, ElementsAre(2, 1));
  const WeightOf columns({2, 3}, kValues, false, ov::element::f32);
  EXPECT_THAT(weight_range(kValues, columns.get()).high, ElementsAre(1, 4, 8));
  EXPECT_THAT(weight_range(kValues, columns.get()).shape, ElementsAre(1, 3));
}

TEST(WeightValues, AreScaledAndRoundedToHalfAsOpenVinoRounds) {
  std::vector<float> values;
  for (std::uint32_t half = 0; half < 0x7C00U; ++half) {
    values.push_back(static_cast<float>(ov::float16::from_bits(static_cast<std::uint16_t>(half))));
    values.push_back(-values.back());
  }
  const WeightOf w({values.size(), 1}, values, true, ov::element::f16);
  for (const float scale : {1.0F, 1.0F / 3, 0.1F, 1.75F, 1e-4F, 1.00048828125F, 0.5F}) {
    const std::vector<float> scaled = weight_values(w.get(), std::vector<float>{scale});
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float clamped = std::clamp(values[i] * scale, -65504.0F, 65504.0F);
      ASSERT_EQ(scaled[i], static_cast<float>(ov::float16(clamped))) << values[i] << " * " << scale;
    }
  }
}

TEST(WeightRange, DoublesAtHalfRange) {
  const WeightOf w({2, 3}, kValues, true, ov::element::f32);
  EXPECT_THAT(weight_range(kValues, w.get(), {.half_range = true}).high, ElementsAre(8, 16));
  EXPECT_THAT(weight_range(kValues, w.get(), {.half_range = true}).low, ElementsAre(-8, -16));
}

TEST(WeightRange, OfAZeroChannelIsOnePercentOfTheWidest) {
  const std::vector<float> values = {0, 0, 5, -5};
  const WeightOf w({2, 2}, values, true, ov::element::f32);
  EXPECT_THAT(weight_range(values, w.get()).high, ElementsAre(FloatEq(0.05F), 5));
}

TEST(WeightRange, OfZerosIsTheAbsoluteFloor) {
  const std::vector<float> values(4, 0.0F);
  const WeightOf w({2, 2}, values, true, ov::element::f32);
  const WeightRange range = weight_range(values, w.get());
  EXPECT_THAT(range.high, Each(8e-5F));
  EXPECT_THAT(quantize_weight(values, w.get(), range).integers, Each(0));
}

TEST(QuantizeWeight, RoundsToTheNearestStep) {
  const std::vector<float> values = {-127, 126.6F, 3.4F, 127};
  const WeightOf w({1, 4}, values, true, ov::element::f32);
  const QuantizedWeight q = quantize_weight(values, w.get(), weight_range(values, w.get()));
  EXPECT_THAT(q.integers, ElementsAre(-127, 127, 3, 127));
  EXPECT_THAT(q.scale, ElementsAre(1));
}

TEST(QuantizeWeight, IsOffByHalfAStepAtMost) {
  for (const bool transpose : {true, false}) {
    const std::vector<float> values = test::random_values(12 * 40, 5);
    const WeightOf w({12, 40}, values, transpose, ov::element::f32);
    const QuantizedWeight q = quantize_weight(values, w.get(), weight_range(values, w.get()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float scale = q.scale[transpose ? i / 40 : i % 40];
      EXPECT_LE(std::abs(values[i] - static_cast<float>(q.integers[i]) * scale), 0.5001F * scale);
    }
  }
}

/// Values that the integers stand for, [out, in].
std::vector<float> restored(const QuantizedWeight& q, std::size_t n_in) {
  std::vector<float> values;
  for (std::size_t i = 0; i < q.integers.size(); ++i) {
    const std::size_t c = i / n_in;
    values.push_back((static_cast<float>(q.integers[i]) - q.zero_point[c]) * q.scale[c]);
  }
  return values;
}

TEST(QuantizeWeight, AsymmetricIsOffByHalfAStepAtMostAndExactAtZero) {
  for (const bool per_channel : {true, false}) {
    std::vector<float> values = test::random_values(12 * 40, 5);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] += static_cast<float>(i / 40) - 4.0F;  // channels around another middle each
    }
    values[7] = 0.0F;
    const WeightOf w({12, 40}, values, true, ov::element::f32);
    const WeightRange range = weight_range(values, w.get(), {.symmetric = false, .per_channel = per_channel});
    EXPECT_EQ(range.low.size(), per_channel ? 12U : 1U);
    EXPECT_EQ(range.levels, 256U);
    const QuantizedWeight q = quantize_weight(values, w.get(), range);
    EXPECT_THAT(q.zero_point, testing::Contains(testing::Ne(0.0F)));
    const std::vector<float> found = restored(q, 40);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_LE(std::abs(values[i] - found[i]), 0.501F * q.scale[i / 40]) << i;
    }
    EXPECT_EQ(found[7], 0.0F);
    const std::vector<double> product = dot(q, std::vector<float>(40, 1.0F), w.get());
    const std::vector<double> expected = dot(found, std::vector<float>(40, 1.0F), w.get());
    EXPECT_THAT(product, testing::Pointwise(testing::DoubleNear(1e-9), expected));
  }
}

TEST(QuantizeWeight, DoesWithoutZeroPointsWhereTheIntegersFit) {
  const std::vector<float> values = {-1.0F, 0.25F, 1.003F, 0.5F};  // the zero point is -1 or 0, the middle
  const WeightOf w({2, 2}, values, true, ov::element::f32);
  const QuantizedWeight q = quantize_weight(
      values, w.get(), weight_range(values, w.get(), {.symmetric = false, .per_channel = false}));
  EXPECT_THAT(q.zero_point, Each(0.0F));
  EXPECT_THAT(restored(q, 2), testing::Pointwise(testing::FloatNear(0.004F), values));
}

TEST(WeightRange, PerTensorIsOneForAllChannels) {
  const WeightOf w({2, 3}, kValues, true, ov::element::f32);
  const WeightRange range = weight_range(kValues, w.get(), {.per_channel = false});
  EXPECT_THAT(range.high, ElementsAre(8));
  EXPECT_THAT(range.shape, testing::IsEmpty());
  EXPECT_THAT(quantize_weight(kValues, w.get(), range).scale, Each(FloatEq(8.0F / 127)));
}

TEST(Dot, SumsOverTheInputChannels) {
  const std::vector<float> mean = {1, 10, 100};
  EXPECT_THAT(dot(kValues, mean, WeightOf({2, 3}, kValues, true, ov::element::f32).get()),
              ElementsAre(161, -769.5));
  const std::vector<float> mean2 = {1, 10};
  EXPECT_THAT(dot(kValues, mean2, WeightOf({2, 3}, kValues, false, ov::element::f32).get()),
              ElementsAre(6, 26, -78));
}

TEST(WeightValues, ScalesInputChannelsInTheTypeOfTheConstant) {
  const std::vector<float> scale = {2, 1, 3};
  EXPECT_THAT(weight_values(WeightOf({2, 3}, kValues, true, ov::element::f32).get(), scale),
              ElementsAre(2, -4, 6, 1, 3, -24));
  const std::vector<float> large = {1, 1e5F, 1.0F / 3};
  const std::vector<float> half =
      weight_values(WeightOf({2, 3}, kValues, true, ov::element::f16).get(), large);
  EXPECT_THAT(half, ElementsAre(1, -65504, FloatEq(static_cast<float>(ov::float16(2.0F / 3))), 0.5F, 65504,
                                FloatEq(static_cast<float>(ov::float16(-8.0F / 3)))));
}

TEST(WeightValues, ReadsEveryFiniteHalf) {
  std::vector<float> values;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float x = ov::float16::from_bits(static_cast<std::uint16_t>(bits));
    values.push_back(std::isfinite(x) ? x : 0.0F);
  }
  EXPECT_THAT(weight_values(WeightOf({256, 256}, values, true, ov::element::f16).get()),
              ElementsAreArray(values));
}

}  // namespace
}  // namespace sotto::quantize
