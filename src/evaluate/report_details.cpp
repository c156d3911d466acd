#include "evaluate/report_details.h"

#include "sotto/error.h"

namespace sotto::evaluate {

using Json = nlohmann::ordered_json;

Json layers_json(const std::vector<LayerFidelity>& layers) {
  Json list = Json::array();
  for (const LayerFidelity& layer : layers) {
    list.push_back({{"name", layer.name},
                    {"sqnr_db", layer.sqnr_db},
                    {"low", layer.low},
                    {"high", layer.high},
                    {"outlier_before", layer.outlier_before},
                    {"outlier_after", layer.outlier_after}});
  }
  return list;
}

Json parse_quantize_report(const std::string& text) {
  Json report = Json::parse(text, nullptr, false);
  if (!report.is_object() || report.value("schema", Json()) != "sotto.quantize") {
    throw Error(ErrorCode::bad_format, "quantize report",
                "expected a file of sotto quantize --report, found something else.");
  }
  return report;
}

std::vector<Json> accuracy_steps(const Json& report) {
  std::vector<Json> steps;
  const Json control = report.value("accuracy_control", Json());
  const Json list = control.is_object() ? control.value("steps", Json()) : Json();
  for (const Json& step : list.is_array() ? list : Json::array()) {
    if (step.is_object() && step.contains("accuracy_percent") && step["accuracy_percent"].is_number()) {
      steps.push_back(step);
    }
  }
  return steps;
}

}  // namespace sotto::evaluate
