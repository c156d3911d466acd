#include "recipe/accuracy_control.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openvino/core/model.hpp>

#include "recipe/hearing_test.h"
#include "recipe/revert_layers.h"
#include "sotto/error.h"

namespace sotto {
namespace {

constexpr std::size_t kFewUtterances = 30;  // with fewer, an interval that holds 0 says little

using Names = std::vector<std::string>;

Progress quiet(const Progress& progress) {
  return {.report = {}, .stop = progress.stop};
}

quantize::QuantizeResult quantize_planned(const std::shared_ptr<ov::Model>& fp,
                                          const PlannedPart& part,
                                          const Progress& progress) {
  const PartInput input{part.options, part.weights, part.statistics, 0, part.replay};
  return quantize_part(fp, part.format, input, quiet(progress));
}

/// Layers that became integers, with the noise of each.
void add_layers(const std::string& part,
                const std::vector<quantize::StepReport>& steps,
                std::vector<QuantizedLayer>& layers) {
  for (const quantize::StepReport& step : steps) {
    if (step.done && (step.algorithm == "output_error" || step.algorithm == "weight_compression")) {
      layers.push_back({part, step.node, step.value});
    }
  }
}

/// Attention whose Q and K are quantized: it has no weights and no figure of its own.
void add_attention(const std::string& part,
                   const ov::Model& graph,
                   const PlannedPart& planned,
                   std::vector<QuantizedLayer>& layers) {
  if (planned.format != PartFormat::int8 || !planned.options.attention_inputs) {
    return;
  }
  for (const auto& node : graph.get_ordered_ops()) {
    if (std::string_view(node->get_type_name()) == "ScaledDotProductAttention") {
      layers.push_back({part, node->get_friendly_name(), std::numeric_limits<double>::infinity()});
    }
  }
}

/// The model with some layers in floating point; a part is quantized anew only where its layers changed.
class MixedModel {
 public:
  MixedModel(const model::WhisperModel& fp, const QuantizePlan& plan) : fp_(fp), plan_(plan), model_(fp) {}

  const model::WhisperModel& with(const Names& encoder, const Names& decoder, const Progress& progress) {
    update("encoder", encoder, fp_.encoder, model_.encoder, progress);
    update("decoder", decoder, fp_.decoder, model_.decoder, progress);
    return model_;
  }

  /// Most noise first, after with().
  std::vector<QuantizedLayer> ranking() const {
    std::vector<QuantizedLayer> layers;
    for (const auto& [part, graph] : {std::pair("encoder", fp_.encoder), {"decoder", fp_.decoder}}) {
      add_layers(part, steps_.at(part), layers);
      add_attention(part, *graph, planned_part(plan_, part, {}), layers);
    }
    std::ranges::stable_sort(layers, {}, &QuantizedLayer::sqnr_db);
    return layers;
  }

 private:
  void update(const std::string& part,
              const Names& kept,
              const std::shared_ptr<ov::Model>& fp,
              std::shared_ptr<ov::Model>& graph,
              const Progress& progress) {
    const auto known = kept_.find(part);
    if (known != kept_.end() && known->second == kept) {
      return;
    }
    graph.reset();  // before the next one is made
    auto result = quantize_planned(fp, planned_part(plan_, part, kept), progress);
    graph = std::move(result.model);
    steps_[part] = std::move(result.steps);
    kept_[part] = kept;
  }

  const model::WhisperModel& fp_;
  const QuantizePlan& plan_;
  model::WhisperModel model_;
  std::map<std::string, Names> kept_;
  std::map<std::string, std::vector<quantize::StepReport>> steps_;
};

Names names_of(const std::vector<QuantizedLayer>& ranking, const LayerSet& layers, const std::string& part) {
  Names names;
  for (const std::size_t i : layers) {
    if (ranking[i].part == part) {
      names.push_back(ranking[i].node);
    }
  }
  return names;
}

std::vector<AccuracyStep> steps_of(const std::vector<RevertTrial>& path,
                                   const std::vector<QuantizedLayer>& ranking) {
  std::vector<AccuracyStep> steps;
  LayerSet before;
  for (const RevertTrial& trial : path) {
    AccuracyStep step{.reverted = {}, .accuracy_percent = trial.accuracy_percent, .drop = trial.drop};
    for (const std::size_t i : trial.reverted) {
      if (!before.contains(i)) {
        step.reverted.push_back(ranking[i]);
      }
    }
    before = trial.reverted;
    steps.push_back(std::move(step));
  }
  return steps;
}

void take_result(const RevertResult& result, AccuracyControlReport& report) {
  report.outcome = result.outcome;
  report.n_iterations = result.n_iterations;
  report.steps = steps_of(result.path, report.ranking);
  auto drop = result.drop_without.begin();
  for (const std::size_t i : result.reverted()) {
    report.kept.push_back({report.ranking[i], *drop++});
  }
}

}  // namespace

PlannedPart planned_part(const QuantizePlan& plan, const std::string& part, const Names& kept_names) {
  const bool is_encoder = part == "encoder";
  const auto found = plan.statistics.parts.find(part);
  PlannedPart planned{.format = is_encoder ? plan.encoder_format : plan.decoder_format,
                      .options = is_encoder ? plan.options.encoder : plan.options.decoder,
                      .weights = plan.options.weights,
                      .statistics = found == plan.statistics.parts.end() ? nullptr : &found->second};
  if (const auto replay = plan.replays.find(part); replay != plan.replays.end()) {
    planned.replay = replay->second;
  }
  for (quantize::IgnoredScope* scope : {&planned.options.ignored_scope, &planned.weights.ignored_scope}) {
    scope->names.insert(scope->names.end(), kept_names.begin(), kept_names.end());
  }
  return planned;
}

std::unique_ptr<evaluate::SpeechStream> open_test(const QuantizeWhisperOptions& options) {
  const AccuracyControlOptions& accuracy = options.accuracy;
  if (!(*accuracy.max_drop >= 0.0 && *accuracy.max_drop <= 100.0)) {
    throw Error(ErrorCode::invalid_argument, "max_drop",
                fmt::format("expected 0 to 100 points, found {}.", *accuracy.max_drop));
  }
  if (accuracy.test.empty() && options.calibration.empty()) {
    throw Error(ErrorCode::invalid_argument, "max_drop",
                "expected speech to measure accuracy on (test or calibration), found neither.");
  }
  transcribe::validate(options.transcribe);
  evaluate::DataOptions data = accuracy.test.empty() ? options.data : accuracy.data;
  if (accuracy.test.empty()) {
    data.take = options.samples;
  }
  data.untranscribed = true;
  return evaluate::open_speech(accuracy.test.empty() ? options.calibration : accuracy.test, data);
}

AccuracyControlReport control_accuracy(const model::WhisperModel& fp,
                                       const QuantizePlan& plan,
                                       evaluate::SpeechStream& speech,
                                       const Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const AccuracyControlOptions& options = plan.options.accuracy;
  const HearingTest test(fp, speech, plan.options.transcribe, plan.options.session, progress);
  AccuracyControlReport report;
  report.has_transcripts = test.has_transcripts();
  report.skipped = test.skipped();
  report.n_utterances = test.fp().utterances.size();
  report.n_words = test.fp().words.reference_length();
  report.fp_accuracy_percent = test.fp().word_accuracy_percent().value_or(0.0);

  MixedModel mixed(fp, plan);
  mixed.with({}, {}, progress);
  report.ranking = mixed.ranking();
  std::size_t n_measured = 0;
  const auto measure = [&](const LayerSet& layers) {
    const auto& model = mixed.with(names_of(report.ranking, layers, "encoder"),
                                   names_of(report.ranking, layers, "decoder"), progress);
    const auto measured = test.measure(
        model, fmt::format("accuracy: model {}, {} layers in FP", ++n_measured, layers.size()), progress);
    return RevertTrial{layers, measured.word_accuracy_percent().value_or(0.0), measured.drop.value()};
  };
  take_result(revert_layers({.n_layers = report.ranking.size(),
                             .max_drop = *options.max_drop,
                             .ignore_noise = options.ignore_noise && report.n_utterances >= kFewUtterances,
                             .max_num_iterations = options.max_num_iterations},
                            measure),
              report);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

void note_kept_layers(const AccuracyControlReport& report,
                      const std::string& part,
                      quantize::QuantizeResult& result) {
  std::string names;
  std::size_t n = 0;
  for (const KeptLayer& kept : report.kept) {
    if (kept.layer.part != part) {
      continue;
    }
    ++n;
    names += (names.empty() ? "" : ", ") + kept.layer.node;
    const std::string noise =
        std::isfinite(kept.layer.sqnr_db) ? fmt::format(", {:.1f} dB", kept.layer.sqnr_db) : "";
    result.steps.push_back(
        {"accuracy_control", kept.layer.node, false,
         kept.drop_without
             ? fmt::format("kept in floating point: quantized too, the model drops {:.2f} points{}",
                           *kept.drop_without, noise)
             : fmt::format("kept in floating point, not tried without{}", noise),
         kept.drop_without.value_or(0.0)});
  }
  const evaluate::AccuracyDrop& drop = report.steps.back().drop;
  const std::vector<std::string> path = {"sotto", "quantization"};
  const std::string before =
      result.model->has_rt_info(path) ? result.model->get_rt_info<std::string>(path) : "floating point";
  result.model->set_rt_info(
      fmt::format("{}; accuracy control: {} layers kept in floating point, word accuracy {:.2f} points below "
                  "FP ({:.2f} to {:.2f}, {} utterances{})",
                  before, n, drop.points, drop.interval.low, drop.interval.high, report.n_utterances,
                  report.has_transcripts ? "" : ", against what FP hears"),
      path);
  if (n > 0) {
    result.model->set_rt_info(names, "sotto", "kept_in_floating_point");
  }
}

}  // namespace sotto
