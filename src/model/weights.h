#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <openvino/core/node.hpp>
#include <openvino/core/shape.hpp>

#include "model/safetensors.h"

namespace sotto::model {

/// A checkpoint's tensors as graph constants named as the checkpoint names them.
///
/// f32 and f16 constants share the mapped file's memory; bf16 becomes f16, or f32 where a value lies outside
/// f16's range. bf16 → f16 is exact from 2^-14 on and below it off by at most 2^-25.
class Weights {
 public:
  /// `tensors` under Hugging Face's names, with or without the prefix "model."; `keep_alive` owns what they
  /// point to; `where` names the checkpoint in errors; with `as_bf16`
  /// every tensor becomes bf16, exact where it was.
  Weights(std::string where, TensorMap tensors, std::shared_ptr<const void> keep_alive, bool as_bf16 = false);

  /// The tensor as an f32 output: a Constant, followed by a Convert where it is stored as f16.
  /// `as` is the shape it gets in the graph, for example [1, 1, n] of a bias [n]; empty: `shape`.
  /// Throws Error(bad_format) where it is missing or not of `shape`, (unsupported) for other types.
  ov::Output<ov::Node> get(const std::string& name, const ov::Shape& shape, const ov::Shape& as = {});

  /// Size of the first axis, 0 where there is no such tensor.
  std::size_t n_rows(const std::string& name) const;

 private:
  const TensorView* find(const std::string& name) const;

  std::string where_;
  TensorMap tensors_;
  std::shared_ptr<const void> keep_alive_;
  bool as_bf16_;
};

}  // namespace sotto::model
