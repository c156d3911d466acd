#pragma once

#include <string>
#include <vector>

#include "sotto/recipe.h"

namespace sotto::cli {

/// "smooth_quant 16 of 16, min_max 120 of 131": layers done of layers looked at, by algorithm in order.
std::string steps_summary(const std::vector<quantize::StepReport>& steps);

/// Layers an algorithm left as they were.
std::size_t n_skipped(const std::vector<quantize::StepReport>& steps);

/// The whole run as JSON; schema in docs/formats.md.
std::string quantize_json(const std::string& model,
                          const std::string& output,
                          const QuantizeWhisperOptions& options,
                          const QuantizeWhisperReport& report);

}  // namespace sotto::cli
