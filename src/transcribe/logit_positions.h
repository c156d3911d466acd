#pragma once

#include <openvino/core/model.hpp>

namespace sotto::transcribe {

/// Name of the input that add_logit_positions adds, i64 [n].
inline constexpr const char* kLogitPositions = "logit_positions";

/// Makes a decoder compute logits behind the tokens at `logit_positions` only, [batch, n, n_vocab]: behind a
/// prompt of a hundred tokens two are wanted, and each costs a product with the whole vocabulary. Returns
/// false and changes nothing where "logits" is not a product of a [batch, n_tokens, n_state] tensor.
bool add_logit_positions(ov::Model& decoder);

}  // namespace sotto::transcribe
