#include "transcribe/logit_positions.h"

#include <memory>

#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/parameter.hpp>

namespace sotto::transcribe {
namespace {

/// True for what acts on each value alone and may follow the choice of positions: the quantization of the
/// product's input must stay next to the product to become one kernel with it.
bool is_elementwise(const ov::Node& node) {
  if (ov::is_type<ov::op::v0::FakeQuantize>(&node) || ov::is_type<ov::op::v0::Convert>(&node)) {
    return true;
  }
  return ov::is_type<ov::op::v1::Multiply>(&node) &&
         ov::is_type<ov::op::v0::Constant>(node.get_input_node_ptr(1));
}

/// The edge above an input's elementwise neighbours, unless someone else reads in between.
ov::Input<ov::Node> edge_above(const ov::Input<ov::Node>& input) {
  const ov::Output<ov::Node> source = input.get_source_output();
  const bool passes = is_elementwise(*source.get_node()) && source.get_target_inputs().size() == 1;
  return passes ? edge_above(source.get_node()->input(0)) : input;
}

std::shared_ptr<ov::Node> product_behind(const ov::Output<ov::Node>& logits) {
  std::shared_ptr<ov::Node> node = logits.get_node_shared_ptr();
  if (ov::is_type<ov::op::v0::Convert>(node)) {
    node = node->get_input_node_shared_ptr(0);
  }
  return ov::is_type<ov::op::v0::MatMul>(node) ? node : nullptr;
}

}  // namespace

bool add_logit_positions(ov::Model& decoder) {
  const auto product = product_behind(decoder.output("logits").get_node()->input_value(0));
  if (!product || product->get_input_partial_shape(0).rank() != 3) {
    return false;
  }
  ov::Input<ov::Node> edge = edge_above(product->input(0));
  const auto positions = std::make_shared<ov::op::v0::Parameter>(ov::element::i64, ov::PartialShape{-1});
  positions->set_friendly_name(kLogitPositions);
  positions->output(0).set_names({kLogitPositions});
  const auto axis = ov::op::v0::Constant::create(ov::element::i64, {}, {1});
  edge.replace_source_output(std::make_shared<ov::op::v8::Gather>(edge.get_source_output(), positions, axis));
  decoder.add_parameters({positions});
  decoder.validate_nodes_and_infer_types();
  return true;
}

}  // namespace sotto::transcribe
