#include "transcribe/gather_rows.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <openvino/core/graph_util.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/subtract.hpp>

namespace sotto::transcribe {
namespace {

using Value = ov::Output<ov::Node>;

bool is_table_operation(const ov::Node& node) {
  return ov::is_type<ov::op::v0::Convert>(&node) || ov::is_type<ov::op::v1::Subtract>(&node) ||
         ov::is_type<ov::op::v1::Multiply>(&node);
}

/// True for a Constant of [n_rows, any], or one of [1, any] or a scalar, which all rows share, and for what
/// the operations above make of such.
bool is_table(const Value& value, std::int64_t n_rows) {
  const ov::Node& node = *value.get_node();
  if (ov::is_type<ov::op::v0::Constant>(&node)) {
    const ov::Shape shape = value.get_shape();
    return shape.empty() || (shape.size() == 2 && (shape[0] == 1 || std::cmp_equal(shape[0], n_rows)));
  }
  if (!is_table_operation(node)) {
    return false;
  }
  const auto inputs = node.input_values();
  return std::all_of(inputs.begin(), inputs.end(), [&](const Value& v) { return is_table(v, n_rows); });
}

/// The rows of `value` that `ids` asks for, taken at its Constants.
Value rows_of(const Value& value, const ov::op::v8::Gather& gather) {
  const auto& node = value.get_node_shared_ptr();
  if (ov::is_type<ov::op::v0::Constant>(node)) {
    const ov::Shape shape = value.get_shape();
    const bool is_shared = shape.empty() || shape[0] == 1;
    return is_shared ? value
                     : gather.clone_with_new_inputs({value, gather.input_value(1), gather.input_value(2)});
  }
  ov::OutputVector inputs;
  for (const Value& input : node->input_values()) {
    inputs.push_back(rows_of(input, gather));
  }
  return node->clone_with_new_inputs(inputs);
}

bool takes_whole_rows(const ov::op::v8::Gather& gather) {
  const auto axis = ov::as_type_ptr<ov::op::v0::Constant>(gather.get_input_node_shared_ptr(2));
  return axis && gather.get_batch_dims() == 0 &&
         axis->cast_vector<std::int64_t>() == std::vector<std::int64_t>{0};
}

}  // namespace

std::size_t gather_rows_first(ov::Model& model) {
  std::size_t n_moved = 0;
  for (const auto& node : model.get_ordered_ops()) {
    const auto gather = ov::as_type_ptr<ov::op::v8::Gather>(node);
    if (!gather || !takes_whole_rows(*gather)) {
      continue;
    }
    const Value table = gather->input_value(0);
    const ov::PartialShape shape = table.get_partial_shape();
    const bool is_computed = !ov::is_type<ov::op::v0::Constant>(table.get_node());
    if (!is_computed || shape.is_dynamic() || shape.size() != 2 || shape[0] == 1 ||
        !is_table(table, shape[0].get_length())) {
      continue;
    }
    const auto rows = rows_of(table, *gather).get_node_shared_ptr();
    rows->set_friendly_name(gather->get_friendly_name());
    ov::replace_node(gather, rows);
    ++n_moved;
  }
  model.validate_nodes_and_infer_types();
  return n_moved;
}

}  // namespace sotto::transcribe
