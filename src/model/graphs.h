#pragma once

#include <memory>

#include <openvino/core/model.hpp>

#include "model/weights.h"
#include "sotto/model.h"

namespace sotto::model {

/// input_features f32 [batch, n_mels, 2 * n_audio_ctx] → last_hidden_state f32 [batch, n_audio_ctx,
/// n_audio_state].
std::shared_ptr<ov::Model> build_encoder(Weights& weights, const ModelDimensions& dims);

/// The stateful decoder described at WhisperModel (sotto/model.h).
///
/// Variables, f32: "past_key_values.{i}.decoder.{key|value}present.{i}.decoder.{key|value}" [batch, n_head,
/// n_past, head_size], zero long after reset_state(); "past_key_values.{i}.encoder..." [n_windows, n_head,
/// n_audio_ctx, head_size], the projections of encoder_hidden_states at the first inference after
/// reset_state(). The batch of input_ids may be n_windows × any factor: the beams of a window stand side by
/// side and read one copy of its cross-attention keys and values. Logits come from the token table itself, or
/// from "proj_out.weight" if the two are not tied.
std::shared_ptr<ov::Model> build_decoder(Weights& weights, const ModelDimensions& dims, bool tied = true);

/// The decoder of Layout::notebook (sotto/model.h): inputs "x", "xa", "past_k.0", "past_v.0", ..., outputs
/// "logits", "k.0", "v.0", ...
std::shared_ptr<ov::Model> build_notebook_decoder(Weights& weights,
                                                  const ModelDimensions& dims,
                                                  bool tied = true);

}  // namespace sotto::model
