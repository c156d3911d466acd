#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sotto/report.h"

namespace sotto::evaluate {

/// A list of objects with the fields of LayerFidelity.
nlohmann::ordered_json layers_json(const std::vector<LayerFidelity>& layers);

/// A quantizer's report as it was written. Throws Error(bad_format) for what is none.
nlohmann::ordered_json parse_quantize_report(const std::string& text);

/// Steps of a quantizer's report's accuracy control that have a figure; empty where it has none.
std::vector<nlohmann::ordered_json> accuracy_steps(const nlohmann::ordered_json& report);

}  // namespace sotto::evaluate
