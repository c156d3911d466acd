#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include <openvino/core/model.hpp>

#include "engine/encoder.h"
#include "sotto/model.h"

namespace sotto::transcribe {

/// engine::Encoder, where it is faster than OpenVINO's.
class OwnEncoder {
 public:
  /// Null where OpenVINO runs the encoder: one that is not read or not of the sizes in `dims`, or a processor
  /// on which OpenVINO is faster.
  static std::unique_ptr<OwnEncoder> read(const ov::Model& encoder,
                                          const model::ModelDimensions& dims,
                                          engine::SoftmaxPrecision softmax);

  /// Before the first run; team outlives this.
  void set_team(engine::Team& team);
  /// engine::Encoder::run().
  void run(std::span<const float> features, std::span<float> hidden_states) {
    encoder_->run(features, hidden_states);
  }

  std::map<std::string, int> executed_kernels() const { return encoder_->kernel_names(); }

 private:
  OwnEncoder(engine::EncoderWeights weights,
             engine::SoftmaxPrecision softmax,
             const engine::Kernels& kernels);

  engine::EncoderWeights weights_;  ///< until there is a team
  engine::SoftmaxPrecision softmax_;
  const engine::Kernels& kernels_;
  std::unique_ptr<engine::Encoder> encoder_;
};

}  // namespace sotto::transcribe
