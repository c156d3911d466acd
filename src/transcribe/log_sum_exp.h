#pragma once

#include <span>

namespace sotto::transcribe {

/// The largest value of a row; -infinity for an empty one.
float row_max(std::span<const float> row);

/// log Σ exp(x) over a row, relative error below 1e-6; -infinity for a row of nothing else, NaN where the row
/// holds NaN. With it log_softmax(row)[i] == row[i] - log_sum_exp(row).
float log_sum_exp(std::span<const float> row);

}  // namespace sotto::transcribe
