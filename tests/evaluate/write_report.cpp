// Writes the HTML report of made-up figures with hostile texts for html_report_test.py: write_report FILE.

#include <cmath>
#include <fstream>
#include <numbers>

#include "evaluate/accuracy.h"
#include "evaluate/measurements.h"

namespace {

constexpr const char* kQuantizeReport = R"({
  "schema": "sotto.quantize", "schema_version": 1, "model": "fp16", "output": "int8",
  "calibration": {"directory": "speech", "n_utterances": 30},
  "encoder": {"layers": [
      {"name": "layers.0.fc1", "sqnr_db": 31.5, "low": -3.5, "high": 4.0, "outlier_before": 40.0, "outlier_after": 3.0},
      {"name": "<b class='evil'>layers.0.fc2</b>", "sqnr_db": 24.0, "low": -1.0, "high": 9.0, "outlier_before": 12.0, "outlier_after": 2.0}],
    "steps": [{"algorithm": "smooth_quant", "node": "layers.0.fc1", "done": true, "reason": "", "value": 0.1}]},
  "decoder": {"layers": [{"name": "layers.0.fc1", "sqnr_db": 28.0, "low": -2.0, "high": 2.5}],
    "steps": [{"algorithm": "fast_bias_correction", "node": "layers.0.q", "done": false, "reason": "shift too large", "value": 3.0}]},
  "accuracy_control": {"steps": [{"reverted": null, "accuracy_percent": 90.0}, {"reverted": "layers.0.fc2", "accuracy_percent": 93.5}]}
})";

sotto::evaluate::Comparison hostile_comparison() {
  using namespace sotto::evaluate;
  Comparison comparison = test::two_models();
  const Normalizer normalize({});
  for (Measurement& model : comparison.models) {
    model.utterances[0].hypothesis = model.utterances[0].reference =
        "</script><script>window.injected=1</script> <img src=x onerror='window.injected=1'> <b "
        "class='evil'>x</b>";
    for (UtteranceResult& result : model.utterances) {
      count_errors(result, normalize);
    }
    model.utterances[0].reference_words =
        model.utterances[0].reference;  // as if no normalizer had been there
    model.utterances[0].hypothesis_words = model.utterances[0].hypothesis;
  }
  comparison.models[0].utterances[1].hypothesis_words = "three";
  comparison.skipped = {"<img src=x onerror='window.injected=1'>.flac: cut"};
  std::vector<float> tone(16000);
  for (std::size_t i = 0; i < tone.size(); ++i) {
    tone[i] = 0.1F *
              static_cast<float>(std::sin(2.0 * std::numbers::pi * 440.0 * static_cast<double>(i) / 16000.0));
  }
  comparison.audio = {{"1", tone}, {"2", tone}};
  return comparison;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  std::ofstream(argv[1]) << to_html(hostile_comparison(),
                                    {.commands = {"sotto quantize fp16 -o int8", "sotto compare fp16 int8"},
                                     .quantize_reports = {kQuantizeReport},
                                     .layers = {{"int8",
                                                 {.encoder = {{.name = "blocks.0.mlp",
                                                               .sqnr_db = 33.0,
                                                               .low = -1.0,
                                                               .high = 1.0,
                                                               .outlier_before = 9.0,
                                                               .outlier_after = 2.0}},
                                                  .decoder = {}}}}});
  return 0;
}
