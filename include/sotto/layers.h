#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sotto/data_set.h"
#include "sotto/log.h"

namespace sotto::evaluate {

/// A layer that multiplies by weights, in two models that hear the same.
struct LayerFidelity {
  std::string name = {};  ///< of the MatMul, in both
  double sqnr_db = 0.0;   ///< of its output against the first model's, errors of the layers before included
  double low = 0.0;       ///< smallest value of its input in the first model
  double high = 0.0;      ///< largest
  double outlier_before = 0.0;  ///< widest channel of its input / median channel, in the first model
  double outlier_after = 0.0;   ///< in the other one: what smoothing made of it
};

struct ModelFidelity {
  std::vector<LayerFidelity> encoder = {};  ///< in order of execution
  std::vector<LayerFidelity> decoder = {};
};

/// Runs both IR models in f32 on one utterance, the decoder on the tokens of its text, and compares layer by
/// layer. Layers that only one of them has by that name are left out; empty where they share none.
///
/// A sample of frames is looked at, so that memory does not grow with the model's depth. Throws what
/// model::load does, and Error(unsupported) where OpenVINO refuses the models.
ModelFidelity compare_layers(const std::filesystem::path& first,
                             const std::filesystem::path& other,
                             const Speech& speech,
                             const Progress& progress = {});

}  // namespace sotto::evaluate
