#include "transcribe/own_projections.h"

#include <utility>

#include "engine/choose_kernels.h"

namespace sotto::transcribe {

std::unique_ptr<OwnProjections> OwnProjections::read(const ov::Model& projections) {
  const engine::Kernels* const kernels = engine::encoder_kernels();
  const auto type = projections.output(0).get_element_type();
  if (kernels == nullptr || (type != ov::element::f32 && type != ov::element::bf16)) {
    return nullptr;
  }
  std::string why_not;
  auto linears = engine::read_window_projections(projections, why_not);
  if (!linears) {
    return nullptr;
  }
  const auto store = type == ov::element::bf16 ? engine::Store::bf16 : engine::Store::f32;
  return std::unique_ptr<OwnProjections>(new OwnProjections(*std::move(linears), store, *kernels));
}

OwnProjections::OwnProjections(std::vector<engine::Linear> linears,
                               engine::Store store,
                               const engine::Kernels& kernels)
    : linears_(std::move(linears)), store_(store), kernels_(kernels) {}

void OwnProjections::set_team(engine::Team& team) {
  projections_ = std::make_unique<engine::WindowProjections>(std::move(linears_), store_, team, kernels_);
}

void OwnProjections::run(const ov::Tensor& hidden_states, std::span<const ov::Tensor> keys) {
  std::vector<void*> outputs;
  for (ov::Tensor tensor : keys) {
    outputs.push_back(tensor.data());
  }
  projections_->run({hidden_states.data<const float>(), hidden_states.get_size()}, outputs);
}

}  // namespace sotto::transcribe
