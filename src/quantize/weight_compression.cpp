#include "quantize/weight_compression.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include <openvino/op/convert.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/subtract.hpp>
#include <openvino/pass/constant_folding.hpp>

namespace sotto::quantize {

using ov::op::v0::Constant;

ov::Output<ov::Node> compressed_weight(const Weight& weight,
                                       const QuantizedWeight& quantized,
                                       const ov::Shape& scale_shape,
                                       const std::string& name) {
  const auto type = weight.node->get_input_element_type(weight.port);
  const auto integers = std::make_shared<Constant>(ov::element::i8, weight.shape, quantized.integers.data());
  integers->set_friendly_name(weight.constant->get_friendly_name() + "/i8");
  const auto convert = std::make_shared<ov::op::v0::Convert>(integers, type);
  convert->set_friendly_name(name + "/convert");
  ov::pass::disable_constant_folding(convert);
  const auto of_channels = [&](const std::vector<float>& values, const char* which) {
    const auto n = static_cast<std::ptrdiff_t>(ov::shape_size(scale_shape));
    const auto constant =
        Constant::create(type, scale_shape, std::vector<float>(values.begin(), values.begin() + n));
    constant->set_friendly_name(name + "/" + which);
    return constant;
  };
  std::shared_ptr<ov::Node> value = convert;
  if (std::ranges::any_of(quantized.zero_point, [](float z) { return z != 0.0F; })) {
    value = std::make_shared<ov::op::v1::Subtract>(convert, of_channels(quantized.zero_point, "zero_point"));
    value->set_friendly_name(name + "/subtract");
  }
  const auto multiply = std::make_shared<ov::op::v1::Multiply>(value, of_channels(quantized.scale, "scale"));
  multiply->set_friendly_name(name);
  return multiply->output(0);
}

ov::Output<ov::Node> float_weight(const Weight& weight, std::span<const float> values) {
  const auto type = weight.constant->get_element_type();
  const auto constant =
      Constant::create(type, weight.shape, std::vector<float>(values.begin(), values.end()));
  constant->set_friendly_name(weight.constant->get_friendly_name());
  const auto layer_type = weight.node->get_input_element_type(weight.port);
  if (layer_type == type) {
    return constant->output(0);
  }
  const auto convert = std::make_shared<ov::op::v0::Convert>(constant, layer_type);
  convert->set_friendly_name(weight.constant->get_friendly_name() + "/convert");
  convert->get_rt_info() = weight.operand().get_node()->get_rt_info();
  return convert->output(0);
}

ov::Output<ov::Node> fake_quantized_weight(const ov::Output<ov::Node>& weight,
                                           const WeightRange& range,
                                           const std::string& name) {
  const auto bound = [&](const std::vector<float>& values, const char* which) {
    const auto constant = Constant::create(weight.get_element_type(), range.shape, values);
    constant->set_friendly_name(name + "/" + which);
    return constant;
  };
  const auto fq = std::make_shared<ov::op::v0::FakeQuantize>(
      weight, bound(range.low, "input_low"), bound(range.high, "input_high"), bound(range.low, "output_low"),
      bound(range.high, "output_high"), range.levels);
  fq->set_friendly_name(name);
  return fq->output(0);
}

}  // namespace sotto::quantize
