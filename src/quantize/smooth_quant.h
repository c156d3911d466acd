#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "quantize/graph_analysis.h"
#include "quantize/statistics.h"
#include "sotto/quantize.h"

namespace sotto::quantize {

/// The statistics of a tensor of the model: those of a site, each channel times `scale` if that is not empty.
struct TensorStatistics {
  const SiteStatistics* site = nullptr;
  std::vector<float> scale;  ///< [n_channels]

  /// The tokens that were kept, as the tensor has them. [n][n_channels]
  std::vector<std::vector<float>> tokens() const;
};

/// Statistics by tensor; tensors that Reshape and Transpose made of each other share theirs.
class StatisticsMap {
 public:
  StatisticsMap(const InferenceGraph& graph, const Statistics::Impl& statistics);

  /// Those by channel along `axis`, or nullptr.
  const TensorStatistics* along(const Tensor& tensor, std::size_t axis) const;
  /// Those of the tensor as a whole, or nullptr.
  const TensorStatistics* whole(const Tensor& tensor) const;
  const Statistics::Impl& statistics() const { return statistics_; }
  void add(const Tensor& tensor, std::size_t axis, TensorStatistics statistics);
  /// Notes that the channels of an observed tensor are now multiplied by `scale`.
  void rescale(const Tensor& tensor, std::size_t axis, std::vector<float> scale);

 private:
  const Statistics::Impl& statistics_;
  std::map<std::pair<Tensor, std::size_t>, TensorStatistics> by_axis_;
  std::map<Tensor, TensorStatistics> by_root_;
};

/// What SmoothQuant decided: for each smoothed layer the scale of its input channels, to be multiplied into
/// the weight. Layers of a group share one vector.
using WeightScales = std::unordered_map<const ov::Node*, std::shared_ptr<const std::vector<float>>>;

/// Moves range from activations to weights: layers that read the same tensor now read it divided by a scale,
/// through one Multiply or through the normalization before it. The weights themselves are scaled when they
/// are read (weight_values()). The statistics of the new tensors are added to `statistics`. Source: Xiao et
/// al. 2022 (arXiv:2211.10438); without smooth_quant_search and smooth_quant_fold as in NNCF 3.4.0,
/// algorithms/smooth_quant/algorithm.py.
WeightScales smooth_quant(const InferenceGraph& graph,
                          StatisticsMap& statistics,
                          const QuantizeOptions& options,
                          std::vector<StepReport>& reports);

}  // namespace sotto::quantize
