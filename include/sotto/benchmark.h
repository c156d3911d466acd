#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "sotto/evaluate.h"
#include "sotto/log.h"
#include "sotto/transcribe.h"

namespace sotto::evaluate {

/// latency: one request at a time; throughput: as many as the device likes best at once.
enum class BenchmarkHint { latency, throughput };

struct BenchmarkOptions {
  transcribe::SessionOptions session;
  BenchmarkHint hint = BenchmarkHint::latency;
  int streams = 0;          ///< parallel streams of the device; 0: its own choice for the hint
  int requests = 0;         ///< at once; 0: as many as the device says are best
  double seconds = 5.0;     ///< how long each part runs
  int decoder_tokens = 64;  ///< steps of one token after each prompt
};

/// One part of a model, run over and over on inputs in memory.
struct BenchmarkPart {
  std::string name;   ///< "encoder", "decoder, prompt", "decoder, token"
  Spread latency_ms;  ///< of one inference
  double mean_ms = 0.0;
  double per_second = 0.0;  ///< inferences of all requests together
};

struct BenchmarkResult {
  std::filesystem::path directory;
  Environment environment;
  std::string device;
  BenchmarkHint hint = BenchmarkHint::latency;
  std::string inference_precision;
  int streams = 0;   ///< as the device set them
  int requests = 0;  ///< of the encoder
  int threads = 0;   ///< as the device set them; 0 where it does not say
  double load_s = 0.0;
  std::vector<BenchmarkPart> parts;
};

/// What OpenVINO's benchmark_app measures, for both graphs of a Whisper: the encoder on one window at a time,
/// the decoder as it is used, a prompt of four tokens (which also projects the window's frames) and then
/// token by token. Inputs are of no meaning; the first inferences of each request are not counted.
///
/// Throws Error(not_found | invalid_argument | unsupported) as transcribe::Transcriber does.
BenchmarkResult benchmark(const std::filesystem::path& model,
                          const BenchmarkOptions& options,
                          const Progress& progress = {});

/// A table for people, ending with a newline.
std::string to_table(const BenchmarkResult& result);
/// Schema in docs/formats.md; ends with a newline.
std::string to_json(const BenchmarkResult& result);

}  // namespace sotto::evaluate
