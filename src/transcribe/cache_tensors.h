#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <openvino/core/model.hpp>
#include <openvino/runtime/infer_request.hpp>

namespace sotto::transcribe {

/// The caches of a decoder that has them as inputs and outputs instead of state, by position: its last ones
/// (model::Layout::notebook).
class CacheTensors {
 public:
  CacheTensors() = default;
  /// Those of `decoder`; none where it keeps state.
  explicit CacheTensors(const ov::Model& decoder);

  bool empty() const { return n_caches_ == 0; }
  std::size_t size() const { return n_caches_; }
  /// Forgets all tokens: caches [n_rows, 0, n_state].
  void reset(ov::InferRequest& request, std::size_t n_rows) const;
  /// Hands what the inference before put out to the next one, row r being its row source_rows[r].
  void feed(ov::InferRequest& request, std::span<const std::int32_t> source_rows) const;

 private:
  std::size_t n_caches_ = 0;
  std::size_t first_output_ = 0;
  std::size_t n_state_ = 0;
};

}  // namespace sotto::transcribe
