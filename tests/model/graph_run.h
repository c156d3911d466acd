#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <openvino/openvino.hpp>

#include "model/checkpoint.h"
#include "sotto/model.h"

namespace sotto::test {

/// Values of a golden file, row-major with their shape.
struct Golden {
  ov::Shape shape;
  std::vector<float> values;

  /// Row-major part [index, ...] of the first axis.
  Golden at(std::size_t index) const {
    const std::size_t n = values.size() / shape.front();
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(index * n);
    return {ov::Shape(shape.begin() + 1, shape.end()), {begin, begin + static_cast<std::ptrdiff_t>(n)}};
  }
};

inline Golden read_golden(const std::string& model, const std::string& name) {
  const model::MappedFile file(golden_dir(model) / "golden.safetensors");
  const model::TensorView tensor = model::parse_safetensors(file.bytes(), "golden").at(name);
  Golden golden{ov::Shape(tensor.shape), std::vector<float>(tensor.bytes.size() / sizeof(float))};
  std::memcpy(golden.values.data(), tensor.bytes.data(), tensor.bytes.size());
  return golden;
}

inline ov::Tensor tensor_of(const Golden& golden) {
  ov::Tensor tensor(ov::element::f32, golden.shape);
  std::copy(golden.values.begin(), golden.values.end(), tensor.data<float>());
  return tensor;
}

/// Largest difference; infinite where the sizes differ.
inline float max_difference(const ov::Tensor& found, const std::vector<float>& expected) {
  if (found.get_size() != expected.size()) {
    return INFINITY;
  }
  float largest = 0.0F;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(found.data<const float>()[i] - expected[i]));
  }
  return largest;
}

/// Compiled for the CPU in f32, state included.
inline ov::InferRequest compile(const std::shared_ptr<ov::Model>& graph) {
  static ov::Core core;
  const ov::AnyMap exact = {ov::hint::inference_precision(ov::element::f32),
                            ov::hint::kv_cache_precision(ov::element::f32)};
  return core.compile_model(graph, "CPU", exact).create_infer_request();
}

inline ov::Tensor encode_features(const std::shared_ptr<ov::Model>& encoder, const Golden& features) {
  ov::InferRequest request = compile(encoder);
  request.set_tensor("input_features", tensor_of(features));
  request.infer();
  return request.get_tensor("last_hidden_state");
}

/// A decoder that is fed rows of token ids.
class Decoder {
 public:
  explicit Decoder(const std::shared_ptr<ov::Model>& graph) : request_(compile(graph)) {}

  void start(const Golden& hidden) {
    request_.reset_state();
    request_.set_tensor("encoder_hidden_states", tensor_of(hidden));
  }

  /// rows [batch][n_tokens]; beam_idx [batch]. Returns logits [batch, n_tokens, n_vocab].
  ov::Tensor step(const std::vector<std::vector<std::int64_t>>& rows,
                  const std::vector<std::int32_t>& beam_idx) {
    ov::Tensor ids(ov::element::i64, {rows.size(), rows.front().size()});
    for (std::size_t b = 0; b < rows.size(); ++b) {
      std::copy(rows[b].begin(), rows[b].end(), ids.data<std::int64_t>() + b * rows[b].size());
    }
    ov::Tensor beams(ov::element::i32, {beam_idx.size()});
    std::copy(beam_idx.begin(), beam_idx.end(), beams.data<std::int32_t>());
    request_.set_tensor("input_ids", ids);
    request_.set_tensor("beam_idx", beams);
    request_.infer();
    return request_.get_tensor("logits");
  }

  ov::InferRequest& request() { return request_; }

 private:
  ov::InferRequest request_;
};

}  // namespace sotto::test
