#include "transcribe/own_encoder.h"

#include <utility>

#include "engine/choose_kernels.h"

namespace sotto::transcribe {

std::unique_ptr<OwnEncoder> OwnEncoder::read(const ov::Model& encoder,
                                             const model::ModelDimensions& dims,
                                             engine::SoftmaxPrecision softmax) {
  const engine::Kernels* const kernels = engine::encoder_kernels();
  if (kernels == nullptr) {
    return nullptr;
  }
  std::string why_not;
  auto weights = engine::read_encoder(encoder, why_not);
  // A graph whose shapes are dynamic may be of other sizes than config.json says.
  if (!weights || !std::cmp_equal(weights->n_mels, dims.n_mels) ||
      !std::cmp_equal(weights->n_frames, dims.n_audio_ctx) ||
      !std::cmp_equal(weights->n_state, dims.n_audio_state)) {
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
