#pragma once

#include <memory>

#include <openvino/core/model.hpp>

namespace sotto::model {

/// A decoder whose caches are inputs and outputs, by position (the notebook's), with state in their place:
/// self-attention's caches are reordered by beam_idx, and what follows from the window alone, the keys and
/// values of cross-attention, is computed at the first inference after reset_state(). All other nodes,
/// weights and quantizers are the same. Inputs and outputs as WhisperModel says (sotto/model.h). Throws
/// Error(unsupported) where nothing follows from the window.
std::shared_ptr<ov::Model> lift_decoder(const ov::Model& decoder);

/// The two decoders of `optimum-cli export openvino --disable-stateful` as one with state: the second runs,
/// and the first gives it the keys and values of cross-attention. Throws Error(bad_format) naming the input
/// or output that is missing.
std::shared_ptr<ov::Model> merge_decoders(const ov::Model& first, const ov::Model& with_past);

}  // namespace sotto::model
