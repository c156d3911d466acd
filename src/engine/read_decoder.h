#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/op/constant.hpp>

#include "engine/linear.h"

namespace sotto::engine {

/// A decoder's layer: what its nodes compute, in their order.
struct DecoderLayer {
  Norm self_norm;
  Linear query;  ///< scaled for attention
  Linear key;
  Linear value;
  Linear self_output;
  Norm cross_norm;
  Linear cross_query;  ///< scaled for attention
  Linear cross_output;
  std::string window_keys;  ///< names of the decoder's inputs with K and V of the window
  std::string window_values;
  FeedForward feed_forward;
};

/// Token vectors, read from the graph's own constant.
class TokenTable {
 public:
  TokenTable() = default;
  /// scale, zero_point: [n_vocab] of integers.
  TokenTable(std::shared_ptr<ov::op::v0::Constant> values,
             std::vector<float> scale,
             std::vector<float> zero_point);
  std::size_t n_vocab() const { return values_->get_shape()[0]; }
  /// Adds token's vector to x [n_state].
  void add(std::size_t token, std::span<float> x) const;

 private:
  std::shared_ptr<ov::op::v0::Constant> values_;
  std::vector<float> scale_;
  std::vector<float> zero_point_;
};

struct DecoderWeights {
  std::size_t n_state = 0;
  std::size_t n_head = 0;
  std::size_t n_ctx = 0;
  TokenTable tokens;
  std::vector<float> positions;  ///< [n_ctx, n_state]
  std::vector<DecoderLayer> layers;
  Norm norm;
  Linear logits;
};

/// Reads a decoder that takes input_ids and beam_idx, keeps K and V of its own tokens as state and takes
/// those of the window as inputs (transcribe::split_off_window), its weights in f32, f16, bf16 or 8 bits with
/// or without quantized activations. nullopt and the reason for any other: it is left to OpenVINO.
std::optional<DecoderWeights> read_decoder(const ov::Model& decoder, std::string& why_not);

}  // namespace sotto::engine
