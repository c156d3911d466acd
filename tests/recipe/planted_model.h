#pragma once

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <openvino/core/graph_util.hpp>
#include <openvino/core/model.hpp>
#include <openvino/op/constant.hpp>

#include "sotto/model.h"

namespace sotto::test {

/// Every 17th channel of each LayerNorm of a part 64 times as wide, and the columns of the layers that read
/// it as much narrower: the same function with outliers that INT8 represents badly. As
/// demo/train/plant_outliers.py.
inline void plant_outliers(ov::Model& graph) {
  constexpr float kFactor = 256.0F;
  constexpr std::size_t kEvery = 17;
  const std::regex norm(R"(.*\.layers\.\d+\.(self_attn|encoder_attn|final)_layer_norm\.(weight|bias))");
  const std::regex reader(R"(.*\.layers\.\d+\.(self_attn\.[qkv]_proj|encoder_attn\.q_proj|fc1)\.weight)");
  for (const auto& node : graph.get_ordered_ops()) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    const bool is_norm = constant && std::regex_match(constant->get_friendly_name(), norm);
    if (!is_norm && !(constant && std::regex_match(constant->get_friendly_name(), reader))) {
      continue;
    }
    std::vector<float> values = constant->cast_vector<float>();
    const std::size_t n_channels = constant->get_shape().back();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % n_channels % kEvery == 7) {
        values[i] *= is_norm ? kFactor : 1.0F / kFactor;
      }
    }
    const auto planted =
        ov::op::v0::Constant::create(constant->get_element_type(), constant->get_shape(), values);
    planted->set_friendly_name(constant->get_friendly_name());
    ov::replace_node(constant, planted);
  }
}

/// The bundled model with outliers, saved to `directory`.
inline void save_planted_model(const std::filesystem::path& checkpoint,
                               const std::filesystem::path& directory) {
  model::WhisperModel whisper = model::build(checkpoint);
  plant_outliers(*whisper.encoder);
  plant_outliers(*whisper.decoder);
  model::save(whisper, directory);
}

}  // namespace sotto::test
