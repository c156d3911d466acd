#include "transcribe/own_encoder.h"

#include <utility>

#include "engine/choose_kernels.h"

namespace sotto::transcribe {

std::unique_ptr<OwnEncoder> OwnEncoder::read(const ov::Model& encoder, ov::element::Type type) {
  const engine::Kernels* const kernels = engine::encoder_kernels();
  if (kernels == nullptr || (type != ov::element::f32 && type != ov::element::bf16)) {
    return nullptr;
  }
  std::string why_not;
  auto weights = engine::read_encoder(encoder, why_not);
  if (!weights) {
    return nullptr;
  }
  const auto store = type == ov::element::bf16 ? engine::Store::bf16 : engine::Store::f32;
  return std::unique_ptr<OwnEncoder>(new OwnEncoder(*std::move(weights), store, *kernels));
}

OwnEncoder::OwnEncoder(engine::EncoderWeights weights, engine::Store store, const engine::Kernels& kernels)
    : weights_(std::move(weights)), store_(store), kernels_(kernels) {}

void OwnEncoder::set_team(engine::Team& team) {
  encoder_ = std::make_unique<engine::Encoder>(std::move(weights_), store_, team, kernels_);
}

}  // namespace sotto::transcribe
