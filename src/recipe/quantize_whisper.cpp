#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openvino/core/model.hpp>

#include "core/log.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto {
namespace fs = std::filesystem;
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Writes into a graph what it was quantized with, for people and for evaluate::describe().
void note_options(ov::Model& graph, const quantize::QuantizeOptions& options, std::size_t n_utterances) {
  const bool smooth = options.smooth_quant_alpha >= 0.0;
  graph.set_rt_info(
      fmt::format("{} preset, SmoothQuant {}, fast bias correction {}, {} calibration utterances",
                  options.preset == quantize::Preset::mixed ? "mixed" : "performance",
                  smooth ? fmt::format("{:g}", options.smooth_quant_alpha) : "off",
                  options.fast_bias_correction ? "on" : "off", n_utterances),
      "sotto", "quantization");
}

/// The statistics of both graphs.
struct Calibration {
  quantize::Statistics encoder;
  quantize::Statistics decoder;
};

/// Names the stages of a part: "encoder: smooth_quant".
Progress prefixed(const Progress& progress, const std::string& part) {
  if (!progress.report) {
    return progress;
  }
  return {.report = [&progress, part](
                        std::string_view stage, double done,
                        double total) { progress.report(fmt::format("{}: {}", part, stage), done, total); },
          .stop = progress.stop};
}

/// Transcribes the utterances with the FP model while collectors observe every inference of both its graphs.
/// The instrumented graphs and their compiled forms are gone when this returns.
Calibration calibrate(const model::WhisperModel& fp,
                      const std::vector<evaluate::Utterance>& utterances,
                      const QuantizeWhisperOptions& options,
                      QuantizeWhisperReport& report,
                      const Progress& progress) {
  quantize::Collector encoder(fp.encoder, {.attention_inputs = options.encoder.attention_inputs});
  quantize::Collector decoder(fp.decoder, {.attention_inputs = options.decoder.attention_inputs});
  model::WhisperModel observed = fp;
  observed.encoder = encoder.instrumented();
  observed.decoder = decoder.instrumented();

  // Ranges are of the model as it was trained: bf16 rounding would be measured along with it.
  transcribe::SessionOptions session = options.session;
  session.inference_precision = "f32";
  transcribe::Transcriber transcriber(observed, session);
  observed = {};

  const transcribe::Listeners listeners{
      .on_segment = {}, .on_inference = [&](transcribe::Stage stage, ov::InferRequest& request, double) {
        (stage == transcribe::Stage::encoder ? encoder : decoder).observe(request);
      }};
  const auto n = static_cast<double>(utterances.size());
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    step(progress, "calibrate", static_cast<double>(i), n);
    const auto source = audio::open_media(utterances[i].audio);
    const auto heard =
        transcriber.transcribe(*source, options.transcribe, listeners, {.report = {}, .stop = progress.stop});
    report.audio_s += heard.duration_s;
  }
  step(progress, "calibrate", n, n);
  return {encoder.take(), decoder.take()};
}

}  // namespace

QuantizeWhisperReport quantize_whisper(const fs::path& model,
                                       const fs::path& output,
                                       const QuantizeWhisperOptions& options,
                                       const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  if (options.samples == 0) {
    throw Error(ErrorCode::invalid_argument, "samples",
                "expected at least one calibration utterance, found 0.");
  }
  transcribe::validate(options.transcribe);
  const auto utterances = evaluate::read_librispeech(options.calibration, options.samples).utterances;

  step(progress, "load", 0, 1);
  model::WhisperModel whisper = model::is_ir_directory(model) ? model::load(model) : model::build(model);
  step(progress, "load", 1, 1);

  QuantizeWhisperReport report;
  report.n_utterances = utterances.size();
  auto start = Clock::now();
  Calibration calibration = calibrate(whisper, utterances, options, report, progress);
  report.calibration_s = seconds_since(start);
  report.n_encoder_samples = calibration.encoder.n_samples();
  report.n_decoder_samples = calibration.decoder.n_samples();

  // Part by part, each FP graph dropped when its INT8 one is there.
  start = Clock::now();
  auto encoder = quantize::quantize(whisper.encoder, calibration.encoder, options.encoder,
                                    prefixed(progress, "encoder"));
  whisper.encoder = std::move(encoder.model);
  note_options(*whisper.encoder, options.encoder, report.n_utterances);
  calibration.encoder = {};
  report.encoder_steps = std::move(encoder.steps);
  report.quantize_encoder_s = seconds_since(start);

  start = Clock::now();
  auto decoder = quantize::quantize(whisper.decoder, calibration.decoder, options.decoder,
                                    prefixed(progress, "decoder"));
  whisper.decoder = std::move(decoder.model);
  note_options(*whisper.decoder, options.decoder, report.n_utterances);
  calibration.decoder = {};
  report.decoder_steps = std::move(decoder.steps);
  report.quantize_decoder_s = seconds_since(start);

  step(progress, "save", 0, 1);
  start = Clock::now();
  model::save(whisper, output);
  report.save_s = seconds_since(start);
  step(progress, "save", 1, 1);
  return report;
}

}  // namespace sotto
