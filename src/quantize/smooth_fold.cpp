#include "quantize/smooth_fold.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <openvino/op/constant.hpp>

#include "quantize/op_table.h"

namespace sotto::quantize {
namespace {

using ov::op::v0::Constant;

/// An operand that is a constant (or a Convert of one), and the operand beside it.
struct ConstantOperand {
  Edge edge;
  Tensor other;
  std::shared_ptr<Constant> constant;
};

std::optional<ConstantOperand> constant_operand(ov::Node& node) {
  for (std::size_t port = 0; port < 2; ++port) {
    auto operand = node.get_input_node_shared_ptr(port);
    if (type_name(*operand) == "Convert") {
      operand = operand->get_input_node_shared_ptr(0);
    }
    if (auto constant = std::dynamic_pointer_cast<Constant>(operand)) {
      return ConstantOperand{node.input(port), node.input_value(1 - port), std::move(constant)};
    }
  }
  return std::nullopt;
}

/// Whether the constant holds one value, or one for each channel along `axis` of a tensor of `rank`.
bool is_by_channel(const Constant& constant, std::size_t axis, std::size_t rank, std::size_t n_channels) {
  const ov::Shape& shape = constant.get_shape();
  const std::size_t n = ov::shape_size(shape);
  if (n == 1) {
    return shape.size() <= rank;
  }
  const std::size_t from_back = rank - axis;
  return n == n_channels && shape.size() <= rank && from_back <= shape.size() &&
         shape[shape.size() - from_back] == n_channels;
}

void multiply(const ConstantOperand& operand,
              std::size_t axis,
              std::size_t rank,
              std::span<const float> factor) {
  std::vector<float> values = operand.constant->cast_vector<float>();
  ov::Shape shape = operand.constant->get_shape();
  if (values.size() == 1) {
    values.assign(factor.size(), values.front());
    shape.assign(rank, 1);
    shape[axis] = factor.size();
  }
  for (std::size_t c = 0; c < values.size(); ++c) {
    values[c] *= factor[c];
  }
  const auto folded = std::make_shared<Constant>(operand.edge.get_element_type(), shape, values);
  folded->set_friendly_name(operand.constant->get_friendly_name() + "/smoothed");
  Edge edge = operand.edge;
  edge.replace_source_output(folded);
}

}  // namespace

bool fold_channel_factors(const Tensor& tensor, std::size_t axis, std::span<const float> factor) {
  ov::Node& add = *tensor.get_node();
  const auto rank = static_cast<std::size_t>(tensor.get_partial_shape().rank().get_length());
  const auto usable = [&](const std::optional<ConstantOperand>& operand) {
    return operand && operand->other.get_partial_shape().same_scheme(tensor.get_partial_shape()) &&
           is_by_channel(*operand->constant, axis, rank, factor.size());
  };
  if (type_name(add) != "Add" || tensor.get_element_type() != ov::element::f32) {
    return false;
  }
  const auto offset = constant_operand(add);
  if (!usable(offset) || type_name(*offset->other.get_node()) != "Multiply" ||
      offset->other.get_target_inputs().size() != 1) {
    return false;
  }
  const auto gain = constant_operand(*offset->other.get_node());
  if (!usable(gain)) {
    return false;
  }
  multiply(*offset, axis, rank, factor);
  multiply(*gain, axis, rank, factor);
  return true;
}

}  // namespace sotto::quantize
