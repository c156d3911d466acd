#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>

#include "engine/aligned_bytes.h"
#include "engine/kernels.h"
#include "engine/linear.h"
#include "engine/team.h"

namespace sotto::engine {

/// Reads what transcribe::split_off_window() returns, INT8 layers over encoder_hidden_states, one for each
/// result. nullopt and the reason for any other.
std::optional<std::vector<Linear>> read_window_projections(const ov::Model& projections,
                                                           std::string& why_not);

/// Keys and values of cross-attention of all layers, made of a window.
class WindowProjections {
 public:
  /// store: of what comes out. team: outlives this.
  WindowProjections(std::vector<Linear> linears, Store store, Team& team, const Kernels& kernels);

  /// hidden_states: [n_frames, n_state]; outputs: for each layer [n_head, n_frames, kHeadSize].
  void run(std::span<const float> hidden_states, std::span<void* const> outputs);

  /// "sotto_avx512_vnni_I8" and the like, by how many layers use them.
  std::map<std::string, int> kernel_names() const;

 private:
  /// Buffers of one worker.
  struct Own {
    AlignedBytes row;      ///< [n_state]
    AlignedBytes formed;   ///< [kTile, n_state] as a layer takes it
    AlignedBytes columns;  ///< [kTile, kColumns]
  };

  std::vector<Linear> linears_;
  Store store_;
  Team& team_;
  const Kernels& kernels_;
  std::vector<Own> own_;  ///< of each worker
};

}  // namespace sotto::engine
