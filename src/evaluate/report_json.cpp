#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "evaluate/figures.h"
#include "evaluate/report_details.h"
#include "sotto/report.h"

namespace sotto::evaluate {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(std::optional<double> value) {
  return value ? Json(*value) : Json(nullptr);
}

Json counts(const text::ErrorCounts& words) {
  return {{"words", words.reference_length()},
          {"hits", words.hits},
          {"substitutions", words.substitutions},
          {"deletions", words.deletions},
          {"insertions", words.insertions}};
}

Json interval(const std::optional<Interval>& value) {
  return value ? Json::array({value->low, value->high}) : Json(nullptr);
}

Json spread(const Spread& s) {
  return s.n == 0 ? Json(nullptr) : Json({{"n", s.n}, {"p5", s.p5}, {"median", s.median}, {"p95", s.p95}});
}

Json size(const Measurement& m, const Ratios& against) {
  return {{"encoder_bytes", m.size.encoder_bytes},
          {"decoder_bytes", m.size.decoder_bytes},
          {"directory_bytes", m.size.directory_bytes},
          {"encoder_compression", or_null(against.encoder_compression)},
          {"decoder_compression", or_null(against.decoder_compression)}};
}

Json memory(const std::optional<MemoryUse>& use) {
  return use ? Json({{"loaded_bytes", use->loaded_bytes}, {"peak_bytes", use->peak_bytes}}) : Json(nullptr);
}

Json speed(const Measurement& m, const Ratios& against) {
  return {{"encoder_median_ms", m.encoder_ms.median},
          {"decoder_median_ms", m.decoder_ms.median},
          {"n_encoder_runs", m.encoder_ms.n},
          {"n_decoder_runs", m.decoder_ms.n},
          {"encoder_ms", spread(m.encoder_ms)},
          {"decoder_ms", spread(m.decoder_ms)},
          {"transcription_s", spread(m.transcription_s)},
          {"first_segment_s", spread(m.first_segment_s)},
          {"transcription_mean_s", m.transcription_mean_s},
          {"transcription_total_s", m.transcription_total_s},
          {"audio_s", m.audio_s},
          {"x_realtime", or_null(realtime_factor(m))},
          {"load_s", m.load_s},
          {"warm_up_s", m.warm_up_s},
          {"encoder_speedup", or_null(against.encoder_speedup)},
          {"decoder_speedup", or_null(against.decoder_speedup)},
          {"transcription_speedup", or_null(against.transcription_speedup)}};
}

Json drop(const std::optional<AccuracyDrop>& d) {
  if (!d) {
    return nullptr;
  }
  return {{"points", d->points},
          {"interval", interval(d->interval)},
          {"is_shown", d->is_shown},
          {"n_utterances_to_show", d->n_utterances_to_show ? Json(*d->n_utterances_to_show) : Json(nullptr)}};
}

Json accuracy(const Measurement& m, const Ratios& against) {
  Json json = {{"word_accuracy_percent", or_null(m.word_accuracy_percent())},
               {"word_accuracy_interval", interval(m.word_accuracy_interval)},
               {"drop_points", or_null(against.accuracy_drop_points)},
               {"drop", drop(m.drop)},
               {"n_utterances", m.utterances.size()},
               {"n_empty_references", m.n_empty_references},
               {"n_empty_hypotheses", m.n_empty_hypotheses},
               {"n_missing", m.n_missing}};
  json.update(counts(m.words));
  json["characters"] = {{"characters", m.characters.reference_length()},
                        {"error_rate", or_null(m.characters.rate())},
                        {"hits", m.characters.hits},
                        {"substitutions", m.characters.substitutions},
                        {"deletions", m.characters.deletions},
                        {"insertions", m.characters.insertions}};
  json["chrf"] = or_null(m.chrf.score());
  json["chrf_interval"] = interval(m.chrf_interval);
  return json;
}

Json kernels(const std::map<std::string, int>& executed) {
  const KernelCount count = count_kernels(executed);
  return {{"executed", count.total}, {"int8", count.int8}, {"types", executed}};
}

Json utterances(const Measurement& m) {
  Json list = Json::array();
  for (const UtteranceResult& result : m.utterances) {
    Json json = {{"id", result.id},
                 {"language", result.language},
                 {"reference", result.reference},
                 {"hypothesis", result.hypothesis},
                 {"audio_s", result.audio_s},
                 {"transcription_s", result.transcription_s},
                 {"character_errors", result.characters.errors()},
                 {"characters", result.characters.reference_length()},
                 {"chrf", or_null(result.chrf.score())}};
    json.update(counts(result.words));
    list.push_back(std::move(json));
  }
  return list;
}

Json model_entry(const Measurement& m, const Measurement& first) {
  const Ratios against = ratios(first, m);
  return {{"name", m.name},
          {"directory", m.directory.string()},
          {"is_peer", m.is_peer},
          {"device", m.device},
          {"inference_precision", m.inference_precision},
          {"threads", m.threads},
          {"size", m.is_peer ? Json(nullptr) : size(m, against)},
          {"speed", m.is_peer ? Json(nullptr) : speed(m, against)},
          {"memory", memory(m.memory)},
          {"energy_j", or_null(m.energy_j)},
          {"accuracy", accuracy(m, against)},
          {"kernels", {{"encoder", kernels(m.encoder_kernels)}, {"decoder", kernels(m.decoder_kernels)}}},
          {"utterances", utterances(m)}};
}

Json environment_entry(const Environment& e) {
  return {{"sotto_version", e.sotto_version},
          {"openvino_version", e.openvino_version},
          {"cpu_name", e.cpu_name},
          {"n_cores", e.n_cores},
          {"cpu_features", e.cpu_features}};
}

}  // namespace

std::string to_json(const Comparison& comparison, const ReportDetails& details) {
  const std::vector<Measurement>& models = comparison.models;
  Json json = {{"schema", "sotto.compare"}, {"schema_version", 1}};
  json["environment"] = models.empty() ? Json(nullptr) : environment_entry(models.front().environment);
  json["data"] = {{"source", comparison.data},
                  {"task", comparison.task == transcribe::Task::translate ? "translate" : "transcribe"},
                  {"n_resampled", comparison.n_resampled},
                  {"n_skipped", comparison.skipped.size()},
                  {"skipped", comparison.skipped}};
  json["verdicts"] = verdicts(comparison);
  json["models"] = Json::array();
  for (const Measurement& model : models) {
    json["models"].push_back(model_entry(model, models.front()));
  }
  json["layers"] = Json::array();
  for (const LayersOfModel& model : details.layers) {
    json["layers"].push_back({{"name", model.name},
                              {"encoder", layers_json(model.layers.encoder)},
                              {"decoder", layers_json(model.layers.decoder)}});
  }
  json["quantized"] = Json::array();
  for (const std::string& text : details.quantize_reports) {
    const Json report = parse_quantize_report(text);
    json["quantized"].push_back({{"model", report.value("model", Json())},
                                 {"output", report.value("output", Json())},
                                 {"accuracy_control", report.value("accuracy_control", Json())}});
  }
  // Texts come from files and models: bytes that are no UTF-8 become U+FFFD instead of an exception.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sotto::evaluate
