#include "model/known_dimensions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <openvino/op/constant.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/op/util/gather_base.hpp>
#include <openvino/op/util/shape_of_base.hpp>

namespace sotto::model {
namespace {

using ov::op::v0::Constant;

constexpr std::size_t kMostValues = 8;  // dimensions and what follows from them, no weights

/// The dimensions that a node picks from a shape; null where they are not known.
std::shared_ptr<Constant> picked_dimensions(const ov::Node& node) {
  const bool is_pick = ov::is_type<ov::op::util::GatherBase>(&node) &&
                       ov::is_type<ov::op::util::ShapeOfBase>(node.get_input_node_ptr(0));
  const auto indices = is_pick ? ov::as_type_ptr<Constant>(node.get_input_node_shared_ptr(1)) : nullptr;
  if (!indices || node.get_output_partial_shape(0).is_dynamic()) {
    return nullptr;
  }
  const ov::PartialShape shape = node.get_input_node_ptr(0)->get_input_partial_shape(0);
  std::vector<std::int64_t> dimensions;
  for (std::int64_t i : indices->cast_vector<std::int64_t>()) {
    i += i < 0 && shape.rank().is_static() ? shape.rank().get_length() : 0;
    if (shape.rank().is_dynamic() || i < 0 || i >= shape.rank().get_length() ||
        shape[static_cast<std::size_t>(i)].is_dynamic()) {
      return nullptr;
    }
    dimensions.push_back(shape[static_cast<std::size_t>(i)].get_length());
  }
  return std::make_shared<Constant>(node.get_output_element_type(0), node.get_output_shape(0), dimensions);
}

bool is_small(const ov::PartialShape& shape) {
  return shape.is_static() && ov::shape_size(shape.to_shape()) <= kMostValues;
}

/// What a node makes of small constants; null where it does not.
std::shared_ptr<Constant> folded(ov::Node& node) {
  const auto inputs = node.input_values();
  const bool can_fold =
      !inputs.empty() && node.get_output_size() == 1 && is_small(node.get_output_partial_shape(0)) &&
      std::ranges::all_of(inputs, [](const auto& input) {
        return ov::is_type<Constant>(input.get_node()) && is_small(input.get_partial_shape());
      });
  ov::OutputVector outputs(1);
  const bool is_folded = can_fold && node.constant_fold(outputs, inputs);
  return is_folded ? ov::as_type_ptr<Constant>(outputs[0].get_node_shared_ptr()) : nullptr;
}

}  // namespace

void fold_known_dimensions(ov::Model& model) {
  for (const auto& node : model.get_ordered_ops()) {
    auto constant = picked_dimensions(*node);
    if (!constant) {
      constant = folded(*node);
    }
    if (constant) {
      constant->set_friendly_name(node->get_friendly_name());
      node->output(0).replace(constant);
    }
  }
}

}  // namespace sotto::model
