#include "transcribe/own_decoder.h"

#include <numeric>
#include <utility>

#include "engine/choose_kernels.h"

namespace sotto::transcribe {

std::unique_ptr<OwnDecoder> OwnDecoder::read(const ov::Model& decoder, ov::element::Type type) {
  if (type != ov::element::f32 && type != ov::element::bf16) {
    return nullptr;
  }
  std::string why_not;
  auto weights = engine::read_decoder(decoder, why_not);
  if (!weights) {
    return nullptr;
  }
  const auto store = type == ov::element::bf16 ? engine::Store::bf16 : engine::Store::f32;
  return std::unique_ptr<OwnDecoder>(new OwnDecoder(*std::move(weights), store));
}

OwnDecoder::OwnDecoder(engine::DecoderWeights weights, engine::Store store)
    : weights_(std::move(weights)), store_(store) {
  for (const engine::DecoderLayer& layer : weights_.layers) {
    inputs_.push_back({WindowKeys::index_of(layer.window_keys), WindowKeys::index_of(layer.window_values)});
  }
}

void OwnDecoder::set_team(engine::Team& team) {
  decoder_ =
      std::make_unique<engine::Decoder>(std::move(weights_), store_, team, *engine::all_kernels().front());
}

std::span<float> OwnDecoder::run(std::span<const std::int64_t> tokens,
                                 std::span<const std::int32_t> source_rows,
                                 std::span<const std::int64_t> logit_positions,
                                 const Windows& windows) {
  std::vector<engine::WindowKeys> layers;
  for (const Inputs& inputs : inputs_) {
    layers.push_back({windows.keys.tensor(inputs.keys).data(), windows.keys.tensor(inputs.values).data()});
  }
  std::vector<std::size_t> row_windows(source_rows.size(), windows.first);
  if (!windows.is_shared) {
    std::iota(row_windows.begin(), row_windows.end(), windows.first);
  }
  const std::size_t n_frames = windows.keys.tensor(inputs_.front().keys).get_shape()[2];
  return decoder_->run({tokens, source_rows, logit_positions, layers, row_windows, n_frames});
}

}  // namespace sotto::transcribe
