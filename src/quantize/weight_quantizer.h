#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/smooth_quant.h"
#include "quantize/weights.h"
#include "sotto/log.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// Replaces a graph's weights by integers and corrects the biases behind them.
class WeightQuantizer {
 public:
  /// A layer whose weight is quantized.
  struct Layer {
    const Weight* weight = nullptr;
    WeightScheme scheme = {};
  };

  /// `scales` are SmoothQuant's, which the weights do not hold yet. All is used while the object lives.
  WeightQuantizer(const InferenceGraph& graph,
                  const StatisticsMap& statistics,
                  const WeightScales& scales,
                  const QuantizeOptions& options,
                  std::vector<StepReport>& reports);

  /// Several layers at the same time; so many are held in f32 beside the model.
  void quantize(std::span<const Layer> layers, const Progress& progress);

  /// A layer that stays in floating point although its input is smoothed.
  void keep(const Weight& weight);

 private:
  struct Work;
  Work compute(const Layer& layer) const;
  void apply(const Layer& layer, Work& work);
  std::vector<float> scaled_values(const Weight& weight) const;
  Tensor fake_quantized(const Weight& weight, const WeightRange& range) const;

  const InferenceGraph& graph_;
  const StatisticsMap& statistics_;
  const WeightScales& scales_;
  const QuantizeOptions& options_;
  std::vector<StepReport>& reports_;
  std::map<Tensor, Tensor> replaced_;
};

}  // namespace sotto::quantize
