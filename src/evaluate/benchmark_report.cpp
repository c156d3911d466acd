#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "sotto/audio.h"
#include "sotto/benchmark.h"

namespace sotto::evaluate {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(BenchmarkHint hint) {
  return hint == BenchmarkHint::latency ? "latency" : "throughput";
}

/// What a rate means for who transcribes.
std::string meaning(const BenchmarkPart& part) {
  if (part.name == "encoder") {
    return fmt::format("windows/s, {:.1f} s of audio a second", part.per_second * audio::kWindowS);
  }
  return part.name == "decoder, token" ? "tokens/s" : "windows/s";
}

}  // namespace

std::string to_table(const BenchmarkResult& result) {
  std::string text = fmt::format("{:<18}{:>8}{:>9}{:>9}{:>9}{:>9}{:>10}\n", "", "runs", "median", "5 %",
                                 "95 %", "mean", "per s");
  for (const BenchmarkPart& part : result.parts) {
    text += fmt::format("{:<18}{:>8}{:>9.2f}{:>9.2f}{:>9.2f}{:>9.2f}{:>10.2f}  {}\n", part.name,
                        part.latency_ms.n, part.latency_ms.median, part.latency_ms.p5, part.latency_ms.p95,
                        part.mean_ms, part.per_second, meaning(part));
  }
  text += fmt::format("\nLatencies in ms. Device {}, {} hint, {} requests, {} streams, {} threads, {}.\n",
                      result.device, name_of(result.hint), result.requests, result.streams, result.threads,
                      result.inference_precision);
  const Environment& e = result.environment;
  text += fmt::format("Compiled in {:.2f} s. {} cores: {} ({})\n", result.load_s, e.n_cores, e.cpu_name,
                      fmt::join(e.cpu_features, " "));
  return text + fmt::format("sotto {}, OpenVINO {}\n", e.sotto_version, e.openvino_version);
}

std::string to_json(const BenchmarkResult& result) {
  const Environment& e = result.environment;
  Json json = {{"schema", "sotto.benchmark"},
               {"schema_version", 1},
               {"model", result.directory.string()},
               {"environment",
                {{"sotto_version", e.sotto_version},
                 {"openvino_version", e.openvino_version},
                 {"cpu_name", e.cpu_name},
                 {"n_cores", e.n_cores},
                 {"cpu_features", e.cpu_features}}},
               {"device", result.device},
               {"hint", name_of(result.hint)},
               {"inference_precision", result.inference_precision},
               {"streams", result.streams},
               {"requests", result.requests},
               {"threads", result.threads},
               {"load_s", result.load_s},
               {"parts", Json::array()}};
  for (const BenchmarkPart& part : result.parts) {
    json["parts"].push_back({{"name", part.name},
                             {"n", part.latency_ms.n},
                             {"p5_ms", part.latency_ms.p5},
                             {"median_ms", part.latency_ms.median},
                             {"p95_ms", part.latency_ms.p95},
                             {"mean_ms", part.mean_ms},
                             {"per_second", part.per_second}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sotto::evaluate
