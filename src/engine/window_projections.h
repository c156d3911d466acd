#pragma once

#include <cstddef>
#include <cstdint>
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
#include "engine/tiles.h"

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
  void put_in_form(const InputForm& form, std::span<const float> hidden_states);
  void multiply(std::size_t first, std::size_t last, std::span<void* const> outputs);
  void keep(const Tile& tile, const Columns& columns, std::size_t n_frames, std::byte* output) const;

  std::vector<Linear> linears_;
  Store store_;
  Team& team_;
  const Kernels& kernels_;
  std::vector<float> rows_;            ///< [n_frames, n_state]
  std::vector<std::uint8_t> levels_;   ///< the same in 8 bits
  std::vector<AlignedBytes> columns_;  ///< of each worker, [kTile, kColumns]
};

}  // namespace sotto::engine
