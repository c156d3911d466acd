#include "transcribe/gather_rows.h"

#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/subtract.hpp>
#include <openvino/runtime/core.hpp>

namespace sotto::transcribe {
namespace {

using ov::op::v0::Constant;
using Value = ov::Output<ov::Node>;

/// ids [batch, n] → rows of `table` along `axis`.
std::shared_ptr<ov::Model> gather_model(const Value& table,
                                        std::int64_t axis = 0,
                                        ov::ParameterVector others = {}) {
  const auto ids = std::make_shared<ov::op::v0::Parameter>(ov::element::i64, ov::PartialShape{-1, -1});
  const auto gather =
      std::make_shared<ov::op::v8::Gather>(table, ids, Constant::create(ov::element::i64, {}, {axis}));
  others.push_back(ids);
  return std::make_shared<ov::Model>(ov::OutputVector{gather}, others);
}

Value converted(const std::shared_ptr<Constant>& constant) {
  return std::make_shared<ov::op::v0::Convert>(constant, ov::element::f32);
}

/// Four rows of i8 [4, 2] with a scale a row.
Value symmetric_table() {
  const auto table = Constant::create(ov::element::i8, {4, 2}, {1, -2, 3, 4, -5, 6, 7, -8});
  const auto scale = Constant::create(ov::element::f32, {4, 1}, {0.5F, 0.25F, 2.0F, 1.0F});
  return std::make_shared<ov::op::v1::Multiply>(converted(table), scale);
}

/// u8 with a zero point a row and one scale for all, as NNCF compresses weights.
Value asymmetric_table() {
  const auto table = Constant::create(ov::element::u8, {4, 2}, {1, 200, 3, 4, 5, 60, 7, 8});
  const auto zero = Constant::create(ov::element::u8, {4, 1}, {3, 100, 5, 0});
  const auto scale = Constant::create(ov::element::f32, {1, 1}, {0.5F});
  const auto centered = std::make_shared<ov::op::v1::Subtract>(converted(table), converted(zero));
  return std::make_shared<ov::op::v1::Multiply>(centered, scale);
}

std::vector<float> run(const std::shared_ptr<ov::Model>& model) {
  ov::Core core;
  auto request = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32))
                     .create_infer_request();
  std::vector<std::int64_t> ids = {3, 0, 2, 2};
  request.set_input_tensor(ov::Tensor(ov::element::i64, {2, 2}, ids.data()));
  request.infer();
  const ov::Tensor rows = request.get_output_tensor();
  return {rows.data<const float>(), rows.data<const float>() + rows.get_size()};
}

TEST(GatherRowsFirst, GivesTheSameRows) {
  for (const Value& table : {symmetric_table(), asymmetric_table()}) {
    const auto model = gather_model(table);
    const std::vector<float> expected = run(model);
    ASSERT_EQ(gather_rows_first(*model), 1U);
    EXPECT_EQ(run(model), expected);
  }
}

TEST(GatherRowsFirst, LeavesNoTableToFold) {
  const auto model = gather_model(symmetric_table());
  gather_rows_first(*model);
  const auto last = model->get_results().front()->get_input_node_shared_ptr(0);
  EXPECT_TRUE(ov::is_type<ov::op::v1::Multiply>(last));
  EXPECT_EQ(last->get_output_partial_shape(0), (ov::PartialShape{-1, -1, 2}));
}

TEST(GatherRowsFirst, LeavesOtherGathersAlone) {
  const auto table = Constant::create(ov::element::f32, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(gather_rows_first(*gather_model(table)), 0U);
  EXPECT_EQ(gather_rows_first(*gather_model(symmetric_table(), 1)), 0U);
  const auto vector = Constant::create(ov::element::i8, {4}, {1, 2, 3, 4});
  EXPECT_EQ(gather_rows_first(*gather_model(converted(vector))), 0U);
  const auto x = std::make_shared<ov::op::v0::Parameter>(ov::element::f32, ov::PartialShape{4, 2});
  const auto sum = std::make_shared<ov::op::v1::Multiply>(x, table);
  EXPECT_EQ(gather_rows_first(*gather_model(sum, 0, {x})), 0U);
}

}  // namespace
}  // namespace sotto::transcribe
