#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/infer_request.hpp>

#include "sotto/model.h"
#include "sotto/transcribe.h"
#include "transcribe/cache_tensors.h"
#include "transcribe/find_alignment.h"

namespace sotto::transcribe {

/// Layer → heads whose cross-attention tells time: generation_config.json's, or every head of the upper half
/// of the layers where it names none (openai/whisper 20250625, model.py).
std::map<int, std::vector<int>> alignment_heads(const model::WhisperModel& model);

/// A clone of a decoder with one more output for each layer of `heads`: query times key of its cross-
/// attention, f32 [1, n_heads, n_tokens, n_audio_ctx] before softmax. Throws Error(unsupported) for a decoder
/// that has its cross-attention in parts.
std::shared_ptr<ov::Model> with_cross_attention(const ov::Model& decoder,
                                                const std::map<int, std::vector<int>>& heads);

/// True where with_cross_attention() finds every layer of `heads`.
bool has_cross_attention(const ov::Model& decoder, const std::map<int, std::vector<int>>& heads);

/// The decoder compiled once more, to read texts and show its attention.
class AlignmentModel {
 public:
  AlignmentModel(ov::Core& core, const model::WhisperModel& model, const SessionOptions& options);
  TokenAttention attend(const ov::Tensor& hidden_states,
                        std::span<const TokenId> tokens,
                        std::span<const std::int64_t> logit_positions);

 private:
  std::size_t n_vocab_;
  std::size_t n_text_ctx_;
  std::size_t n_layers_;  ///< with heads
  bool chooses_logits_;
  CacheTensors caches_;  ///< none where the decoder keeps state
  ov::InferRequest request_;
  std::vector<float> logits_;
};

}  // namespace sotto::transcribe
