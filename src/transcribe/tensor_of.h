#pragma once

#include <algorithm>
#include <span>

#include <openvino/runtime/tensor.hpp>

namespace sotto::transcribe {

/// A tensor with a copy of `values`.
template <typename T>
ov::Tensor tensor_of(std::span<const T> values, const ov::Shape& shape) {
  ov::Tensor tensor(ov::element::from<T>(), shape);
  std::copy(values.begin(), values.end(), tensor.data<T>());
  return tensor;
}

}  // namespace sotto::transcribe
