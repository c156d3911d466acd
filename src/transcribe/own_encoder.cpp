#include "transcribe/own_encoder.h"

#include <utility>

#include "engine/choose_kernels.h"

namespace sotto::transcribe {

std::unique_ptr<OwnEncoder> OwnEncoder::read(const ov::Model& encoder, engine::SoftmaxPrecision softmax) {
  const engine::Kernels* const kernels = engine::encoder_kernels();
  if (kernels == nullptr) {
    return nullptr;
  }
  std::string why_not;
  auto weights = engine::read_encoder(encoder, why_not);
  if (!weights) {
    return nullptr;
  }
  return std::unique_ptr<OwnEncoder>(new OwnEncoder(*std::move(weights), softmax, *kernels));
}

OwnEncoder::OwnEncoder(engine::EncoderWeights weights,
                       engine::SoftmaxPrecision softmax,
                       const engine::Kernels& kernels)
    : weights_(std::move(weights)), softmax_(softmax), kernels_(kernels) {}

void OwnEncoder::set_team(engine::Team& team) {
  encoder_ = std::make_unique<engine::Encoder>(std::move(weights_), softmax_, team, kernels_);
}

}  // namespace sotto::transcribe
