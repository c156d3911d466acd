#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "sotto/evaluate.h"
#include "sotto/recipe.h"

namespace sotto {

/// Layers by their place in the ranking.
using LayerSet = std::set<std::size_t>;

/// A model with some layers in floating point, measured against the FP one.
struct RevertTrial {
  LayerSet reverted = {};
  double accuracy_percent = 0.0;
  evaluate::AccuracyDrop drop = {};
};

/// Measures the model that has just these layers in floating point.
using MeasureReverted = std::function<RevertTrial(const LayerSet&)>;

struct RevertOptions {
  std::size_t n_layers = 0;  ///< in the ranking, costliest first
  double max_drop = 0.0;     ///< points
  bool ignore_noise = true;  ///< a larger drop that is not shown counts as none
  std::size_t max_num_iterations = 0;
};

struct RevertResult {
  AccuracyOutcome outcome = AccuracyOutcome::within;
  std::vector<RevertTrial> path;  ///< from nothing reverted to the result
  /// Of each layer of the result, in order: the drop with it quantized and the others reverted, when it was
  /// tried; nullopt where it was not.
  std::vector<std::optional<double>> drop_without;
  std::size_t n_iterations = 0;  ///< models measured

  const LayerSet& reverted() const { return path.back().reverted; }
};

/// Finds few layers that give the words back. From the top of the ranking twice as many are reverted each
/// time until the drop is within the bound, halving finds how many that takes, and of those all that can be
/// quantized again are, halves first, the cheapest of the ranking first. Where the bound is not reached, the
/// measured model with the least drop is the result, of equal ones that with fewest layers reverted.
RevertResult revert_layers(const RevertOptions& options, const MeasureReverted& measure);

}  // namespace sotto
