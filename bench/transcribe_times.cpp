// Times sotto on a file as its peers are timed (bench/peer_transcribe.py): all of it, then part by part.
// Usage: sotto_transcribe_times MODEL AUDIO THREADS RUNS N_TOKENS BATCH_SIZE. N_TOKENS above 0 are forced in
// every window of 30 s; with 0 the model ends where it likes, with timestamps. Prints one line of JSON.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sotto/audio.h"
#include "sotto/model.h"
#include "sotto/transcribe.h"

namespace {

namespace audio = sotto::audio;
namespace transcribe = sotto::transcribe;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

transcribe::TranscribeOptions options_of(int batch_size) {
  transcribe::TranscribeOptions options;
  options.language = "en";
  options.temperatures = {0.0};
  options.condition_on_previous_text = false;
  options.no_speech_threshold = 1.0;
  options.logprob_threshold = -std::numeric_limits<double>::infinity();
  options.batch_size = batch_size;
  return options;
}

/// n_tokens in each window of 30 s.
void force(transcribe::TranscribeOptions& options, int n_tokens, int eot, double duration_s) {
  constexpr double kWindowS = 30.0;
  options.sample_len = n_tokens;
  options.without_timestamps = true;
  options.suppress_tokens.push_back(eot);
  for (double begin_s = 0.0; begin_s < duration_s; begin_s += kWindowS) {
    options.clip_timestamps.push_back(begin_s);
    options.clip_timestamps.push_back(std::min(begin_s + kWindowS, duration_s));
  }
}

struct Stage {
  std::size_t n = 0;
  double seconds = 0.0;
};

Json run(transcribe::Transcriber& transcriber,
         const char* path,
         const transcribe::TranscribeOptions& options) {
  std::array<Stage, 2> stages;
  std::optional<double> first_segment_s;
  std::size_t n_tokens = 0;
  const Clock::time_point begin = Clock::now();
  transcribe::Listeners listeners;
  listeners.on_segment = [&](const transcribe::Segment& segment) {
    first_segment_s = first_segment_s.value_or(seconds_since(begin));
    n_tokens += segment.tokens.size();
  };
  listeners.on_inference = [&](transcribe::Stage stage, ov::InferRequest&, double seconds) {
    Stage& own = stages.at(stage == transcribe::Stage::encoder ? 0 : 1);
    ++own.n;
    own.seconds += seconds;
  };
  const auto source = audio::open_media(path);
  const transcribe::Transcription heard = transcriber.transcribe(*source, options, listeners);
  const auto& [encoder, decoder] = stages;
  return {{"seconds", seconds_since(begin)},
          {"audio_seconds", heard.duration_s},
          {"first_segment_ms", 1e3 * first_segment_s.value_or(0.0)},
          {"encoder_ms", 1e3 * encoder.seconds / static_cast<double>(encoder.n)},
          {"decoder_ms_per_token", 1e3 * decoder.seconds / static_cast<double>(n_tokens)},
          {"tokens", n_tokens},
          {"text", heard.text}};
}

int run(int argc, char** argv) {
  if (argc != 7) {
    fmt::print(stderr, "usage: sotto_transcribe_times MODEL AUDIO THREADS RUNS N_TOKENS BATCH_SIZE\n");
    return 2;
  }
  const Clock::time_point begin = Clock::now();
  const auto model = sotto::model::load(argv[1]);
  transcribe::Transcriber transcriber(model, {.threads = std::atoi(argv[3])});
  const double load_s = seconds_since(begin);
  const int n_tokens = std::atoi(argv[5]);
  transcribe::TranscribeOptions options = options_of(std::atoi(argv[6]));
  if (n_tokens > 0) {
    force(options, n_tokens, model.generation.eos_token_id, audio::open_media(argv[2])->duration_s().value());
  }
  Json runs = Json::array();
  for (int i = 0; i < std::atoi(argv[4]); ++i) {
    runs.push_back(run(transcriber, argv[2], options));
  }
  fmt::print("{}\n",
             Json{{"precision", transcriber.inference_precision()}, {"load_seconds", load_s}, {"runs", runs}}
                 .dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "sotto_transcribe_times: {}\n", e.what());
    return 1;
  }
}
