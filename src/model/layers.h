#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openvino/core/node.hpp>

#include "model/weights.h"

namespace sotto::model {

using Value = ov::Output<ov::Node>;

/// Names a fresh node; `name` is the Hugging Face module path, with the operation after a slash.
Value named(const std::shared_ptr<ov::Node>& node, const std::string& name);

/// i64 constants of shape [n] and [].
Value int_list(const std::vector<std::int64_t>& values, const std::string& name);
Value int_scalar(std::int64_t value, const std::string& name);

/// Whisper's layers over a checkpoint. Shapes: x is f32 [batch, time, n_in] unless said otherwise; `module`
/// is the path whose ".weight" and ".bias" are read.
class Layers {
 public:
  explicit Layers(Weights& weights) : weights_(weights) {}

  /// x · weightᵀ (+ bias): weight [n_out, n_in] stays as the checkpoint stores it. [batch, time, n_out].
  Value linear(
      const Value& x, const std::string& module, std::size_t n_in, std::size_t n_out, bool has_bias = true);
  /// Mean and variance over the last axis, epsilon 1e-5 inside the root, then gain and offset.
  Value layer_norm(const Value& x, const std::string& module, std::size_t n_state);
  /// x [batch, n_in, time] → gelu(conv), [batch, n_out, time / stride]; kernel 3, padding 1.
  Value conv_gelu(
      const Value& x, const std::string& module, std::size_t n_in, std::size_t n_out, std::size_t stride);
  /// fc2(gelu(fc1(x))); the inner width is that of fc1's weight.
  Value feed_forward(const Value& x, const std::string& layer, std::size_t n_state);

  Weights& weights() { return weights_; }

 private:
  Weights& weights_;
};

Value add(const Value& a, const Value& b, const std::string& name);
Value gelu(const Value& x, const std::string& name);
/// The mask of a decoder: 0 where the key is not behind the query, -65504 (finite in f16, nothing after
/// softmax) elsewhere. i64 positions `queries` [n, 1] and `keys` [m] → f32 [1, 1, n, m].
Value causal_mask(const Value& queries, const Value& keys, const std::string& name);
/// q · head_size^-½, [batch, time, n_state] as Whisper scales its queries.
Value scale_query(const Value& q, std::size_t head_size, const std::string& name);
/// softmax(q · kᵀ + mask) · v with [batch, n_head, time, head_size]; q is scaled already. The mask broadcasts
/// to [batch, n_head, n_query, n_key] or is a scalar 0.
Value attend(const Value& q, const Value& k, const Value& v, const Value& mask, const std::string& name);
/// [batch, time, n_head * size] → [batch, n_head, time, size].
Value split_heads(const Value& x, std::size_t n_head, std::size_t head_size, const std::string& name);
/// The way back.
Value merge_heads(const Value& x, std::size_t n_state, const std::string& name);

}  // namespace sotto::model
