#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <openvino/core/model.hpp>

#include "core/log.h"
#include "model/release_pages.h"
#include "model/save.h"
#include "recipe/accuracy_control.h"
#include "recipe/calibrate_whisper.h"
#include "recipe/quantize_part.h"
#include "recipe/recorded_speech.h"
#include "recipe/try_formats.h"
#include "sotto/error.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto {
namespace fs = std::filesystem;
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

bool asks_for_parity(const QuantizeWhisperOptions& options) {
  using quantize::Parity;
  return options.encoder.parity == Parity::nncf || options.decoder.parity == Parity::nncf;
}

/// NNCF observes in f32.
void expect_f32(const quantize::StatisticsSet& statistics, const std::string& where) {
  if (const std::string& precision = statistics.inference_precision;
      !precision.empty() && precision != "f32") {
    throw Error(ErrorCode::invalid_argument, where,
                fmt::format("expected statistics observed in f32 for parity nncf, found {}; calibrate with "
                            "--inference-precision f32.",
                            precision));
  }
}

/// Where they are asked for, the samples that full bias correction runs again, of a fifth of the utterances
/// as in NNCF.
std::unique_ptr<RecordedSpeech> record(const model::WhisperModel& fp,
                                       const QuantizeWhisperOptions& options,
                                       const Progress& progress) {
  if (!needs_replay(options)) {
    return nullptr;
  }
  const auto speech = open_calibration(calibration_options(options));
  return std::make_unique<RecordedSpeech>(fp, *speech, std::max<std::size_t>(options.samples / 5, 1), options,
                                          progress);
}

/// Those of a file.
quantize::StatisticsSet read_statistics(const QuantizeWhisperOptions& options) {
  auto statistics = quantize::StatisticsSet::load(options.statistics);
  for (const char* part : {"encoder", "decoder"}) {
    if (!statistics.parts.contains(part)) {
      throw Error(ErrorCode::invalid_argument, options.statistics.string(),
                  fmt::format("expected statistics of a Whisper model, found none of its {}.", part));
    }
  }
  return statistics;
}

/// Notes in the report what the parts become.
void choose_formats(const model::WhisperModel& whisper,
                    const QuantizeWhisperOptions& options,
                    const quantize::StatisticsSet& calibration,
                    const std::map<std::string, quantize::Replay>& replays,
                    QuantizeWhisperReport& report,
                    const Progress& progress) {
  report.encoder_format = options.encoder_format;
  report.decoder_format = options.decoder_format;
  const bool is_chosen = options.encoder_format != PartFormat::automatic;
  if (is_chosen && options.decoder_format != PartFormat::automatic) {
    return;
  }
  const auto input = [&](const char* part, const quantize::QuantizeOptions& part_options) {
    const auto replay = replays.find(part);
    return PartInput{part_options, options.weights, &calibration.parts.at(part), report.n_utterances,
                     replay == replays.end() ? quantize::Replay() : replay->second};
  };
  report.trials = try_formats(whisper, input("encoder", options.encoder), input("decoder", options.decoder),
                              options.session, progress);
  if (!is_chosen) {
    report.encoder_format = fastest(report.trials, &FormatTrial::encoder_ms);
  }
  if (options.decoder_format == PartFormat::automatic) {
    report.decoder_format = fastest(report.trials, &FormatTrial::decoder_ms);
  }
}

std::vector<std::string> kept_names(const QuantizeWhisperReport& report, const std::string& part) {
  std::vector<std::string> names;
  for (const KeptLayer& kept : report.accuracy.value_or(AccuracyControlReport()).kept) {
    if (kept.layer.part == part) {
      names.push_back(kept.layer.node);
    }
  }
  return names;
}

}  // namespace

CalibrateWhisperOptions calibration_options(const QuantizeWhisperOptions& options) {
  return {.calibration = options.calibration,
          .samples = options.samples,
          .transcribe = options.transcribe,
          .session = options.session,
          .attention_inputs = resolved(options.decoder).attention_inputs,
          .parity = asks_for_parity(options),
          .data = options.data};
}

bool needs_calibration(const QuantizeWhisperOptions& options) {
  const auto needs = [](PartFormat f) { return f == PartFormat::int8 || f == PartFormat::automatic; };
  return needs(options.encoder_format) || needs(options.decoder_format);
}

bool needs_replay(const QuantizeWhisperOptions& options) {
  const auto needs = [](PartFormat format, const quantize::QuantizeOptions& part) {
    return (format == PartFormat::int8 || format == PartFormat::automatic) &&
           part.bias_correction == quantize::BiasCorrection::full;
  };
  return needs(options.encoder_format, options.encoder) || needs(options.decoder_format, options.decoder);
}

QuantizeWhisperReport quantize_whisper(const fs::path& model,
                                       const fs::path& output,
                                       const QuantizeWhisperOptions& options,
                                       const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  QuantizeWhisperReport report;
  CalibrateWhisperOptions calibrating = calibration_options(options);
  calibrating.on_skipped = [&report](const std::string& line) { report.skipped.push_back(line); };
  const bool calibrates = options.statistics.empty() && needs_calibration(options);
  const auto speech = calibrates ? open_calibration(calibrating) : nullptr;
  if (needs_replay(options) && options.calibration.empty()) {
    throw Error(
        ErrorCode::invalid_argument, "bias_correction",
        "expected calibration speech to hear again for full bias correction, found statistics alone.");
  }
  const auto test = options.accuracy.max_drop ? open_test(options) : nullptr;

  model::WhisperModel whisper = read_whisper(model, progress);
  model::expect_writable(whisper, output);

  auto start = Clock::now();
  quantize::StatisticsSet calibration;
  if (speech) {
    calibration = calibrate(whisper, *speech, calibrating, progress);
  } else if (!options.statistics.empty()) {
    calibration = read_statistics(options);
    if (asks_for_parity(options)) {
      expect_f32(calibration, options.statistics.string());
    }
  }
  report.calibration_s = seconds_since(start);
  report.inference_precision = calibration.inference_precision;
  report.n_utterances = calibration.inputs.size();
  report.audio_s = calibration.inputs_s;
  const auto recorded = record(whisper, options, progress);
  std::map<std::string, quantize::Replay> replays;
  if (recorded) {
    replays = {{"encoder", recorded->encoder()}, {"decoder", recorded->decoder()}};
  }
  choose_formats(whisper, options, calibration, replays, report, progress);
  const QuantizePlan plan{options, calibration, report.encoder_format, report.decoder_format, replays};
  if (test) {
    report.accuracy = control_accuracy(whisper, plan, *test, progress);
  }

  // Part by part, each FP graph dropped when its INT8 one is there.
  const auto quantize_next = [&](const char* part, std::shared_ptr<ov::Model>& graph, double& seconds) {
    start = Clock::now();
    const PlannedPart planned = planned_part(plan, part, kept_names(report, part));
    const PartInput input{planned.options, planned.weights, planned.statistics, report.n_utterances,
                          planned.replay};
    auto result = quantize_part(graph, planned.format, input, prefixed(progress, part));
    if (report.accuracy) {
      note_kept_layers(*report.accuracy, part, result);
    }
    model::release_mapped_pages(*graph);  // what is left of its file stays mapped with the constants kept
    graph = std::move(result.model);
    const bool is_known = planned.statistics != nullptr;
    const std::size_t n_samples = is_known ? planned.statistics->n_samples() : 0;
    auto tensors = is_known ? summarize(*planned.statistics) : std::vector<quantize::TensorSummary>();
    calibration.parts.erase(part);
    seconds = seconds_since(start);
    return std::tuple{n_samples, std::move(tensors), std::move(result.steps)};
  };
  std::tie(report.n_encoder_samples, report.encoder_tensors, report.encoder_steps) =
      quantize_next("encoder", whisper.encoder, report.quantize_encoder_s);
  std::tie(report.n_decoder_samples, report.decoder_tensors, report.decoder_steps) =
      quantize_next("decoder", whisper.decoder, report.quantize_decoder_s);

  step(progress, "save", 0, 1);
  start = Clock::now();
  model::save(whisper, output);
  report.save_s = seconds_since(start);
  step(progress, "save", 1, 1);
  return report;
}

}  // namespace sotto
