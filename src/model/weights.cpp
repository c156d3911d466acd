#include "model/weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openvino/core/runtime_attribute.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/runtime/tensor.hpp>

#include "sotto/error.h"

namespace sotto::model {
namespace {

using ov::op::v0::Constant;

/// The mark OpenVINO's own fp16 export leaves on its Converts (attribute "decompression" of the IR format):
/// devices keep such weights in 16 bits in memory, whatever precision they compute in.
class Decompression : public ov::RuntimeAttribute {
 public:
  OPENVINO_RTTI("decompression", "0", ov::RuntimeAttribute);
  bool visit_attributes(ov::AttributeVisitor& /*visitor*/) override { return true; }
  bool is_copyable() const override { return false; }
};

ov::element::Type element_type(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::f32:
      return ov::element::f32;
    case DType::f16:
      return ov::element::f16;
    case DType::bf16:
      return ov::element::bf16;
    case DType::other:
      break;
  }
  return ov::element::dynamic;
}

float bf16_to_f32(const std::byte* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

/// f16 where every value fits, otherwise f32.
std::shared_ptr<Constant> constant_of_bf16(const TensorView& tensor, const ov::Shape& shape) {
  constexpr float kLargestF16 = 65504.0F;
  const std::size_t n = ov::shape_size(shape);
  const auto value = [&](std::size_t i) { return bf16_to_f32(tensor.bytes.data() + 2 * i); };
  bool fits = true;
  for (std::size_t i = 0; i < n && fits; ++i) {
    fits = std::abs(value(i)) <= kLargestF16;
  }
  ov::Tensor stored(fits ? ov::element::f16 : ov::element::f32, shape);
  for (std::size_t i = 0; i < n; ++i) {
    if (fits) {
      stored.data<ov::float16>()[i] = ov::float16(value(i));
    } else {
      stored.data<float>()[i] = value(i);
    }
  }
  return std::make_shared<Constant>(stored);
}

/// Shares the mapped file where the data is aligned, as every known writer leaves it; copies otherwise.
std::shared_ptr<Constant> constant_of_mapped(const TensorView& tensor,
                                             const ov::Shape& shape,
                                             const std::shared_ptr<const void>& keep_alive) {
  const ov::element::Type type = element_type(tensor);
  const auto address = std::bit_cast<std::uintptr_t>(tensor.bytes.data());
  if (address % type.size() == 0) {
    return std::make_shared<Constant>(type, shape, tensor.bytes.data(),
                                      std::const_pointer_cast<void>(keep_alive));
  }
  return std::make_shared<Constant>(type, shape, static_cast<const void*>(tensor.bytes.data()));
}

/// Values rounded to the nearest bf16, ties to even.
std::shared_ptr<Constant> rounded_to_bf16(const Constant& constant) {
  ov::Tensor stored(ov::element::bf16, constant.get_shape());
  const bool is_f16 = constant.get_element_type() == ov::element::f16;
  for (std::size_t i = 0; i < stored.get_size(); ++i) {
    const float value = is_f16 ? static_cast<float>(constant.get_data_ptr<ov::float16>()[i])
                               : constant.get_data_ptr<float>()[i];
    stored.data<ov::bfloat16>()[i] = ov::bfloat16(value);
  }
  return std::make_shared<Constant>(stored);
}

}  // namespace

Weights::Weights(std::string where, TensorMap tensors, std::shared_ptr<const void> keep_alive, bool as_bf16)
    : where_(std::move(where)),
      tensors_(std::move(tensors)),
      keep_alive_(std::move(keep_alive)),
      as_bf16_(as_bf16) {}

const TensorView* Weights::find(const std::string& name) const {
  constexpr std::string_view kPrefix = "model.";
  auto found = tensors_.find(name);
  if (found == tensors_.end() && name.starts_with(kPrefix)) {
    found = tensors_.find(std::string_view(name).substr(kPrefix.size()));  // saved from the bare WhisperModel
  }
  return found == tensors_.end() ? nullptr : &found->second;
}

std::size_t Weights::n_rows(const std::string& name) const {
  const TensorView* tensor = find(name);
  return tensor == nullptr || tensor->shape.empty() ? 0 : tensor->shape.front();
}

ov::Output<ov::Node> Weights::get(const std::string& name, const ov::Shape& shape, const ov::Shape& as) {
  const std::string where = where_ + ": " + name;
  const TensorView* tensor = find(name);
  if (tensor == nullptr) {
    throw Error(ErrorCode::bad_format, where,
                fmt::format("expected a tensor of shape {}, found none.", shape));
  }
  if (tensor->dtype == DType::other) {
    throw Error(ErrorCode::unsupported, where,
                fmt::format("expected weights in F32, F16 or BF16, found {}.", tensor->dtype_name));
  }
  if (ov::Shape(tensor->shape) != shape) {
    throw Error(ErrorCode::bad_format, where,
                fmt::format("expected shape {} as config.json implies, found {}.", shape, tensor->shape));
  }
  const ov::Shape& in_graph = as.empty() ? shape : as;
  auto constant = tensor->dtype == DType::bf16 && !as_bf16_
                      ? constant_of_bf16(*tensor, in_graph)
                      : constant_of_mapped(*tensor, in_graph, keep_alive_);
  if (as_bf16_ && tensor->dtype != DType::bf16) {
    constant = rounded_to_bf16(*constant);
  }
  constant->set_friendly_name(name);
  if (constant->get_element_type() == ov::element::f32) {
    return constant;
  }
  const auto converted = std::make_shared<ov::op::v0::Convert>(constant, ov::element::f32);
  converted->set_friendly_name(name + "/Convert");
  converted->get_rt_info()[Decompression::get_type_info_static()] = Decompression();
  return converted;
}

}  // namespace sotto::model
