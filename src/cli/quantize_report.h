#pragma once

#include <string>
#include <vector>

#include "sotto/recipe.h"

namespace sotto::cli {

/// What `sotto quantize` writes beside a model, and `sotto compare` looks for there.
inline constexpr const char* kQuantizeReportName = "sotto_quantize.json";

/// "smooth_quant 16 of 16, min_max 120 of 131": layers done of layers looked at, by algorithm in order.
std::string steps_summary(const std::vector<quantize::StepReport>& steps);

/// Layers an algorithm left as they were.
std::size_t n_skipped(const std::vector<quantize::StepReport>& steps);

/// The whole run as JSON; schema in docs/formats.md.
std::string quantize_json(const std::string& model,
                          const std::string& output,
                          const QuantizeWhisperOptions& options,
                          const QuantizeWhisperReport& report);

/// The same as a page that needs nothing but itself: for each layer what was done or why not, for each tensor
/// its range and outlier channels.
std::string quantize_html(const std::string& model,
                          const std::string& output,
                          const QuantizeWhisperOptions& options,
                          const QuantizeWhisperReport& report);

}  // namespace sotto::cli
