#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/runtime/tensor.hpp>

#include "engine/window_projections.h"

namespace sotto::transcribe {

/// engine::WindowProjections, where they are faster than OpenVINO's.
class OwnProjections {
 public:
  /// Of split_off_window's model. Null where OpenVINO runs it: one that is not read, or a processor on which
  /// OpenVINO is faster.
  static std::unique_ptr<OwnProjections> read(const ov::Model& projections);

  /// Before the first run; team outlives this.
  void set_team(engine::Team& team);
  /// engine::WindowProjections::run().
  void run(const ov::Tensor& hidden_states, std::span<const ov::Tensor> keys);

  std::map<std::string, int> executed_kernels() const { return projections_->kernel_names(); }

 private:
  OwnProjections(std::vector<engine::Linear> linears, engine::Store store, const engine::Kernels& kernels);

  std::vector<engine::Linear> linears_;  ///< until there is a team
  engine::Store store_;
  const engine::Kernels& kernels_;
  std::unique_ptr<engine::WindowProjections> projections_;
};

}  // namespace sotto::transcribe
