#include "transcribe/cache_tensors.h"

#include <algorithm>
#include <string>

#include <openvino/runtime/tensor.hpp>

namespace sotto::transcribe {
namespace {

constexpr std::size_t kFirstInput = 2;  // behind input_ids and encoder_hidden_states

bool has_beam_idx(const ov::Model& decoder) {
  const auto inputs = decoder.inputs();
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const auto& input) { return input.get_names().contains("beam_idx"); });
}

}  // namespace

CacheTensors::CacheTensors(const ov::Model& decoder) {
  if (!has_beam_idx(decoder)) {
    n_caches_ = decoder.inputs().size() - kFirstInput;
    first_output_ = decoder.outputs().size() - n_caches_;
    n_state_ = static_cast<std::size_t>(decoder.input(kFirstInput).get_partial_shape()[2].get_length());
  }
}

void CacheTensors::reset(ov::InferRequest& request, std::size_t n_rows) const {
  for (std::size_t i = 0; i < n_caches_; ++i) {
    request.set_input_tensor(kFirstInput + i, ov::Tensor(ov::element::f32, {n_rows, 0, n_state_}));
  }
}

void CacheTensors::feed(ov::InferRequest& request, std::span<const std::int32_t> source_rows) const {
  for (std::size_t i = 0; i < n_caches_; ++i) {
    const ov::Tensor grown = request.get_output_tensor(first_output_ + i);
    const ov::Shape shape = grown.get_shape();
    const std::size_t n_row = shape[1] * shape[2];
    ov::Tensor next(ov::element::f32, {source_rows.size(), shape[1], shape[2]});
    for (std::size_t row = 0; row < source_rows.size(); ++row) {
      const float* const source =
          grown.data<const float>() + static_cast<std::size_t>(source_rows[row]) * n_row;
      std::copy_n(source, n_row, next.data<float>() + row * n_row);
    }
    request.set_input_tensor(kFirstInput + i, next);
  }
}

}  // namespace sotto::transcribe
