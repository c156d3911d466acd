#include "cli/quantize_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/field_json.h"

namespace sotto::cli {
namespace {

struct Count {
  std::string algorithm;
  std::size_t n_done = 0;
  std::size_t n_all = 0;
};

/// In the order the algorithms ran.
std::vector<Count> count_steps(const std::vector<quantize::StepReport>& steps) {
  std::vector<Count> counts;
  for (const quantize::StepReport& step : steps) {
    auto found = std::find_if(counts.begin(), counts.end(),
                              [&](const Count& c) { return c.algorithm == step.algorithm; });
    if (found == counts.end()) {
      found = counts.insert(counts.end(), Count{.algorithm = step.algorithm});
    }
    ++found->n_all;
    found->n_done += step.done ? 1 : 0;
  }
  return counts;
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json tensors_json(const std::vector<quantize::TensorSummary>& tensors) {
  Json list = Json::array();
  for (const quantize::TensorSummary& tensor : tensors) {
    list.push_back({{"node", tensor.node},
                    {"port", tensor.port},
                    {"min", tensor.min},
                    {"max", tensor.max},
                    {"median_magnitude", tensor.median_magnitude},
                    {"outlier_channels", tensor.outlier_channels}});
  }
  return list;
}

Json part(const std::vector<quantize::StepReport>& steps,
          const std::vector<quantize::TensorSummary>& tensors,
          const quantize::QuantizeOptions& options,
          double seconds) {
  Json counts = Json::object();
  for (const Count& count : count_steps(steps)) {
    counts[count.algorithm] = {{"done", count.n_done}, {"skipped", count.n_all - count.n_done}};
  }
  Json list = Json::array();
  for (const quantize::StepReport& step : steps) {
    list.push_back({{"algorithm", step.algorithm},
                    {"node", step.node},
                    {"done", step.done},
                    {"reason", step.reason},
                    {"value", number_or_null(step.value)}});
  }
  return {{"seconds", seconds},
          {"options", fields_json(options)},
          {"counts", counts},
          {"steps", list},
          {"tensors", tensors_json(tensors)}};
}

Json trials_json(const std::vector<FormatTrial>& trials) {
  Json list = Json::array();
  for (const FormatTrial& trial : trials) {
    list.push_back({{"format", value_text(trial.format)},
                    {"encoder_ms", trial.encoder_ms},
                    {"decoder_ms", trial.decoder_ms}});
  }
  return list;
}

const char* outcome_text(AccuracyOutcome outcome) {
  switch (outcome) {
    case AccuracyOutcome::within:
      return "within";
    case AccuracyOutcome::noise:
      return "noise";
    case AccuracyOutcome::exceeded:
      break;
  }
  return "exceeded";
}

Json layer_json(const QuantizedLayer& layer) {
  return {{"part", layer.part}, {"node", layer.node}, {"sqnr_db", number_or_null(layer.sqnr_db)}};
}

/// "layers.0.fc1, layers.0.fc2"; null for none.
Json reverted_text(const std::vector<QuantizedLayer>& layers) {
  std::string text;
  for (const QuantizedLayer& layer : layers) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", layer.part, layer.node);
  }
  return text.empty() ? Json(nullptr) : Json(text);
}

Json accuracy_step_json(const AccuracyStep& step) {
  Json layers = Json::array();
  for (const QuantizedLayer& layer : step.reverted) {
    layers.push_back(layer_json(layer));
  }
  const evaluate::AccuracyDrop& drop = step.drop;
  return {
      {"reverted", reverted_text(step.reverted)},
      {"layers", layers},
      {"accuracy_percent", step.accuracy_percent},
      {"drop_points", drop.points},
      {"drop_interval", {drop.interval.low, drop.interval.high}},
      {"is_shown", drop.is_shown},
      {"n_utterances_to_show", drop.n_utterances_to_show ? Json(*drop.n_utterances_to_show) : Json(nullptr)}};
}

Json accuracy_json(const std::optional<AccuracyControlReport>& report,
                   const AccuracyControlOptions& options) {
  if (!report) {
    return nullptr;
  }
  Json json = {{"max_drop", options.max_drop.value_or(0.0)},
               {"test", options.test},
               {"outcome", outcome_text(report->outcome)},
               {"has_transcripts", report->has_transcripts},
               {"n_utterances", report->n_utterances},
               {"n_words", report->n_words},
               {"fp_accuracy_percent", report->fp_accuracy_percent},
               {"n_iterations", report->n_iterations},
               {"seconds", report->seconds},
               {"skipped", report->skipped},
               {"steps", Json::array()},
               {"kept", Json::array()},
               {"ranking", Json::array()}};
  for (const AccuracyStep& step : report->steps) {
    json["steps"].push_back(accuracy_step_json(step));
  }
  for (const KeptLayer& kept : report->kept) {
    json["kept"].push_back(layer_json(kept.layer));
    json["kept"].back()["drop_without"] = kept.drop_without ? Json(*kept.drop_without) : Json(nullptr);
  }
  for (const QuantizedLayer& layer : report->ranking) {
    json["ranking"].push_back(layer_json(layer));
  }
  return json;
}

}  // namespace

std::string steps_summary(const std::vector<quantize::StepReport>& steps) {
  std::string summary;
  for (const Count& count : count_steps(steps)) {
    summary +=
        fmt::format("{}{} {} of {}", summary.empty() ? "" : ", ", count.algorithm, count.n_done, count.n_all);
  }
  return summary;
}

std::size_t n_skipped(const std::vector<quantize::StepReport>& steps) {
  return static_cast<std::size_t>(
      std::count_if(steps.begin(), steps.end(), [](const quantize::StepReport& step) { return !step.done; }));
}

std::string quantize_json(const std::string& model,
                          const std::string& output,
                          const QuantizeWhisperOptions& options,
                          const QuantizeWhisperReport& report) {
  return json_text({{"schema", "sotto.quantize"},
                    {"schema_version", 1},
                    {"model", model},
                    {"output", output},
                    {"calibration",
                     {{"directory", options.calibration},
                      {"n_utterances", report.n_utterances},
                      {"audio_s", report.audio_s},
                      {"n_encoder_samples", report.n_encoder_samples},
                      {"n_decoder_samples", report.n_decoder_samples},
                      {"seconds", report.calibration_s},
                      {"inference_precision", report.inference_precision},
                      {"transcribe", fields_json(options.transcribe)},
                      {"session", fields_json(options.session)}}},
                    {"encoder_format", value_text(report.encoder_format)},
                    {"decoder_format", value_text(report.decoder_format)},
                    {"format_trials", trials_json(report.trials)},
                    {"weights", fields_json(options.weights)},
                    {"encoder", part(report.encoder_steps, report.encoder_tensors, options.encoder,
                                     report.quantize_encoder_s)},
                    {"decoder", part(report.decoder_steps, report.decoder_tensors, options.decoder,
                                     report.quantize_decoder_s)},
                    {"accuracy_control", accuracy_json(report.accuracy, options.accuracy)},
                    {"save_seconds", report.save_s}});
}

}  // namespace sotto::cli
