#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "evaluate/figures.h"
#include "sotto/evaluate.h"

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

Json size(const Measurement& m, const Ratios& against) {
  return {{"encoder_bytes", m.size.encoder_bytes},
          {"decoder_bytes", m.size.decoder_bytes},
          {"directory_bytes", m.size.directory_bytes},
          {"encoder_compression", or_null(against.encoder_compression)},
          {"decoder_compression", or_null(against.decoder_compression)}};
}

Json speed(const Measurement& m, const Ratios& against) {
  return {{"encoder_median_ms", m.encoder_median_ms},
          {"decoder_median_ms", m.decoder_median_ms},
          {"n_encoder_runs", m.n_encoder_runs},
          {"n_decoder_runs", m.n_decoder_runs},
          {"transcription_mean_s", m.transcription_mean_s},
          {"transcription_total_s", m.transcription_total_s},
          {"audio_s", m.audio_s},
          {"x_realtime", or_null(realtime_factor(m))},
          {"load_s", m.load_s},
          {"encoder_speedup", or_null(against.encoder_speedup)},
          {"decoder_speedup", or_null(against.decoder_speedup)},
          {"transcription_speedup", or_null(against.transcription_speedup)}};
}

Json accuracy(const Measurement& m, const Ratios& against) {
  Json json = {{"word_accuracy_percent", or_null(m.word_accuracy_percent())},
               {"drop_points", or_null(against.accuracy_drop_points)},
               {"n_utterances", m.utterances.size()},
               {"n_empty_references", m.n_empty_references}};
  json.update(counts(m.words));
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
                 {"transcription_s", result.transcription_s}};
    json.update(counts(result.words));
    list.push_back(std::move(json));
  }
  return list;
}

Json model_entry(const Measurement& m, const Measurement& first) {
  const Ratios against = ratios(first, m);
  return {{"name", m.name},
          {"directory", m.directory.string()},
          {"device", m.device},
          {"inference_precision", m.inference_precision},
          {"threads", m.threads},
          {"size", size(m, against)},
          {"speed", speed(m, against)},
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

std::string to_json(const std::vector<Measurement>& measurements) {
  Json json = {{"schema", "sotto.compare"}, {"schema_version", 1}};
  json["environment"] =
      measurements.empty() ? Json(nullptr) : environment_entry(measurements.front().environment);
  json["models"] = Json::array();
  for (const Measurement& measurement : measurements) {
    json["models"].push_back(model_entry(measurement, measurements.front()));
  }
  // Texts come from files and models: bytes that are no UTF-8 become U+FFFD instead of an exception.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sotto::evaluate
