#pragma once

#include <utility>
#include <vector>

#include "sotto/quantize.h"

namespace sotto::quantize {

/// The value below which a share `q` lies, interpolated between the two nearest as numpy does by default.
float quantile(std::vector<float> values, double q);

/// The smallest value that, with all below it, has a share `q` of the weights. Not empty.
float weighted_quantile(std::vector<std::pair<float, double>> values_and_weights, double q);

/// One value from those of the samples; `values` must not be empty. Tokens decide what
/// quantile and histogram are; without them they are the mean.
/// Source: NNCF 3.4.0, common/tensor_statistics/collectors.py.
float aggregate(const std::vector<float>& values, Aggregator aggregator, double outlier_probability);

}  // namespace sotto::quantize
