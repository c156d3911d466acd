#include <memory>

#include "cli/command.h"
#include "cli/quantize_report.h"
#include "core/atomic_file.h"
#include "sotto/error.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::string model;
  std::string output;
  std::string calibration;
  std::string report;
  std::string statistics;
  int samples = 0;
  QuantizeWhisperOptions options;
  quantize::QuantizeOptions both;  ///< what is asked of both parts
  quantize::RangeEstimator range;  ///< the same, if any of its options is given
};

constexpr const char* kSharedGroup = "Quantization";
constexpr const char* kPartGroup = "Quantization of one part";

/// Options that each part has of its own; the others are asked of both.
bool is_of_one_part(std::string_view field_name) {
  return field_name == "smooth_quant_alpha" || field_name == "attention_inputs" || field_name == "names" ||
         field_name == "patterns" || field_name == "types" || field_name == "subgraphs";
}

std::string shared_group(std::string_view field_name) {
  return is_of_one_part(field_name) ? "" : kSharedGroup;
}

std::string part_group(std::string_view field_name) {
  return is_of_one_part(field_name) ? kPartGroup : "";
}

void add_part(CLI::App& app, quantize::QuantizeOptions& options, const std::string& suffix) {
  add_fields(app, options, part_group, {.suffix = suffix});
  add_fields(app, options.ignored_scope, part_group, {.prefix = "ignored_scope_", .suffix = suffix});
}

/// Copies to `to` the fields whose options were given; false if none was.
template <typename Options>
bool copy_given(const CLI::App& app, const Options& from, Options& to, const std::string& prefix = "") {
  bool has_any = false;
  visit_fields(from, [&](const Field& field, const auto& value) {
    const auto* option = app.get_option_no_throw(option_name(prefix + std::string(field.name)));
    if (option == nullptr || option->count() == 0) {
      return;
    }
    has_any = true;
    visit_fields(to, [&](const Field& other, auto& target) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(target)>,
                                   std::remove_cvref_t<decltype(value)>>) {
        if (other.name == field.name) {
          target = value;
        }
      }
    });
  });
  return has_any;
}

QuantizeWhisperOptions finished(const CLI::App& app, const Arguments& arguments) {
  QuantizeWhisperOptions options = arguments.options;
  for (quantize::QuantizeOptions* part : {&options.encoder, &options.decoder}) {
    copy_given(app, arguments.both, *part);
    copy_given(app, arguments.both.ignored_scope, part->ignored_scope, "ignored_scope_");
    auto range = part->activation_range.value_or(quantize::RangeEstimator{});
    if (copy_given(app, arguments.range, range, "activation_range_")) {
      part->activation_range = range;
    }
  }
  if (!arguments.calibration.empty()) {
    options.calibration = arguments.calibration;
  }
  options.data.network = network_of(options.calibration);
  options.accuracy.data.network = network_of(options.accuracy.test);
  if (!arguments.statistics.empty()) {
    options.statistics = arguments.statistics;
  }
  if (arguments.samples > 0) {
    options.samples = static_cast<std::size_t>(arguments.samples);
  }
  const bool has_both = !options.calibration.empty() && !options.statistics.empty() && !needs_replay(options);
  const bool has_neither = options.calibration.empty() && options.statistics.empty();
  if (has_both || (has_neither && needs_calibration(options))) {
    throw Error(ErrorCode::invalid_argument, "arguments",
                fmt::format("expected either --calibration SPEECH or --statistics FILE, found {}.",
                            has_both ? "both" : "neither"));
  }
  finish_language(options.transcribe);
  return options;
}

/// "decoder: int8_weights took 3.10 ms a step (int8 3.40, fp 5.02)"
void print_trials(Console& console, const QuantizeWhisperReport& report) {
  const auto print = [&](std::string_view part, PartFormat taken, double FormatTrial::* time) {
    std::string all;
    for (const FormatTrial& trial : report.trials) {
      all += fmt::format("{}{} {:.2f} ms", all.empty() ? "" : ", ", value_text(trial.format), trial.*time);
    }
    console.print(fmt::format("{}   taken: {}; an inference takes {}", part, value_text(taken), all));
  };
  if (!report.trials.empty()) {
    print("encoder", report.encoder_format, &FormatTrial::encoder_ms);
    print("decoder", report.decoder_format, &FormatTrial::decoder_ms);
  }
}

void print_report(Console& console, const Arguments& arguments, const QuantizeWhisperReport& report) {
  console.print(fmt::format(
      "calibrate {:8.1f} s  {} utterances, {:.1f} s of audio; {} encoder and {} decoder inferences",
      report.calibration_s, report.n_utterances, report.audio_s, report.n_encoder_samples,
      report.n_decoder_samples));
  console.print(
      fmt::format("encoder   {:8.1f} s  {}", report.quantize_encoder_s, steps_summary(report.encoder_steps)));
  console.print(
      fmt::format("decoder   {:8.1f} s  {}", report.quantize_decoder_s, steps_summary(report.decoder_steps)));
  const model::ModelSize size = model::measure_size(arguments.output);
  console.print(fmt::format("save      {:8.1f} s  {}: encoder {}, decoder {}", report.save_s,
                            arguments.output, megabytes(size.encoder_bytes), megabytes(size.decoder_bytes)));
}

std::string percent_of_words(double percent, const evaluate::AccuracyDrop& drop) {
  return fmt::format("word accuracy {:.2f} %, {:.2f} points less ({:.2f} to {:.2f})", percent, drop.points,
                     drop.interval.low, drop.interval.high);
}

/// What was measured and which layers stay in floating point, and why.
void print_accuracy(Console& console, const AccuracyControlReport& report) {
  const AccuracyStep& all = report.steps.front();
  console.print(fmt::format("accuracy  {:8.1f} s  {} utterances, {} words{}; models measured: {}",
                            report.seconds, report.n_utterances, report.n_words,
                            report.has_transcripts ? "" : " as the FP model hears them",
                            report.n_iterations));
  console.print(fmt::format("            FP {:.2f} %; quantized: {}", report.fp_accuracy_percent,
                            percent_of_words(all.accuracy_percent, all.drop)));
  if (report.kept.empty()) {
    return;
  }
  console.print(fmt::format(
      "            {} of {} layers stay in floating point: {}", report.kept.size(), report.ranking.size(),
      percent_of_words(report.steps.back().accuracy_percent, report.steps.back().drop)));
  for (const KeptLayer& kept : report.kept) {
    console.print(fmt::format(
        "              {}  {}  {:.1f} dB{}", kept.layer.part, kept.layer.node, kept.layer.sqnr_db,
        kept.drop_without ? fmt::format("; quantized too, {:.2f} points less", *kept.drop_without) : ""));
  }
}

/// 0, or kStatusDropped where the bound was not reached.
int judge(Console& console, const QuantizeWhisperOptions& options, const AccuracyControlReport& report) {
  const evaluate::AccuracyDrop& drop = report.steps.back().drop;
  if (report.outcome == AccuracyOutcome::noise) {
    console.warn(fmt::format(
        "word accuracy dropped by {:.2f} points, more than {:g}, but no difference is shown{}; "
        "--no-ignore-noise gives layers back for it",
        drop.points, *options.accuracy.max_drop,
        drop.n_utterances_to_show ? fmt::format(" ({} utterances would show one)", *drop.n_utterances_to_show)
                                  : ""));
  }
  if (report.outcome != AccuracyOutcome::exceeded) {
    return 0;
  }
  console.error(
      fmt::format("word accuracy dropped by {:.2f} points, more than {:g}: this is the best of {} models",
                  drop.points, *options.accuracy.max_drop, report.n_iterations));
  return kStatusDropped;
}

int run(const CLI::App& app, const Arguments& arguments, const Context& context) {
  const QuantizeWhisperOptions options = finished(app, arguments);
  const QuantizeWhisperReport report =
      quantize_whisper(find_model(arguments.model, context), arguments.output, options,
                       context.console.progress(context.stop));
  if (needs_calibration(options) && options.statistics.empty() && report.n_utterances < options.samples) {
    context.console.warn(fmt::format("{} holds {} utterances, fewer than the {} asked for",
                                     options.calibration, report.n_utterances, options.samples));
  }
  warn_of_skipped(context.console, report.skipped);
  print_trials(context.console, report);
  print_report(context.console, arguments, report);
  if (report.accuracy) {
    warn_of_skipped(context.console, report.accuracy->skipped);
    print_accuracy(context.console, *report.accuracy);
  }
  // Beside the model, so that whoever has it can see how it came about.
  const std::string json = quantize_json(arguments.model, arguments.output, options, report);
  write_file_atomically(std::filesystem::path(arguments.output) / kQuantizeReportName, json);
  const std::size_t skipped = n_skipped(report.encoder_steps) + n_skipped(report.decoder_steps);
  if (!arguments.report.empty()) {
    const bool is_page = same_word(std::filesystem::path(arguments.report).extension().string(), ".html");
    write_file_atomically(arguments.report,
                          is_page ? quantize_html(arguments.model, arguments.output, options, report) : json);
    context.console.print(
        fmt::format("report: {} ({} steps skipped, with reasons)", arguments.report, skipped));
  } else if (skipped > 0) {
    context.console.print(fmt::format("{} steps were skipped; {} in the model's directory says which and why",
                                      skipped, kQuantizeReportName));
  }
  return report.accuracy ? judge(context.console, options, *report.accuracy) : 0;
}

/// What becomes of each part, and how weights alone are compressed: NNCF's names, "mode" being part of it.
void add_formats(CLI::App& app, QuantizeWhisperOptions& options) {
  app.add_flag_callback(
         "--auto", [&options] { options.encoder_format = options.decoder_format = PartFormat::automatic; },
         "both parts in the format that is fastest on this machine: fp, weights in 8 bits or all in INT8")
      ->group("Formats");
  constexpr const char* kHelp =
      "int8: weights and activations; int8_weights or int4_weights: computed in floating point; fp: as it "
      "is; auto: the "
      "fastest of int8, int8_weights and fp on this machine";
  add_field(app, {"encoder_format", kHelp}, "--encoder-format", options.encoder_format)->group("Formats");
  add_field(app, {"decoder_format", kHelp}, "--decoder-format", options.decoder_format)->group("Formats");
  add_fields(app, options.weights, [](std::string_view) { return "Formats"; }, {.prefix = "weight_"});
}

/// How many words quantizing may cost, and on which speech that is measured.
void add_accuracy(CLI::App& app, AccuracyControlOptions& accuracy) {
  const auto group = [](std::string_view name) { return name == "test" ? "" : "Accuracy"; };
  add_fields(app, accuracy, group);
  app.add_option("--test", accuracy.test,
                 "speech with its words to measure accuracy on; without words, how much of what the FP model "
                 "hears is heard (default: the calibration speech)")
      ->type_name("SPEECH")
      ->group("Accuracy");
  add_fields(app, accuracy.data, [](std::string_view) { return "Accuracy"; }, {.prefix = "test_"});
}

void add_options(CLI::App& app, Arguments& arguments) {
  add_config(app, arguments.options);
  app.add_option("MODEL", arguments.model, "FP model: a directory, a checkpoint or a hub's name")->required();
  app.add_option("-o,--output", arguments.output, "model directory to write; an older one is replaced")
      ->type_name("DIR")
      ->required();
  app.add_option("--report", arguments.report,
                 "write what was done to each layer, or why not, as JSON, or as a page if FILE ends in .html")
      ->type_name("FILE");
  app.add_option("--calibration", arguments.calibration, kSpeechHelp)
      ->type_name("SPEECH")
      ->group("Calibration");
  app.add_option("--statistics", arguments.statistics, "instead of it: a file that sotto calibrate wrote")
      ->type_name("FILE")
      ->group("Calibration");
  add_samples(app, arguments.samples, arguments.options.data);
  add_fields(app, arguments.options.transcribe, calibration_group);
  add_formats(app, arguments.options);
  add_accuracy(app, arguments.options.accuracy);
  add_fields(app, arguments.both, shared_group);
  add_fields(app, arguments.range, shared_group, {.prefix = "activation_range_"});
  add_fields(app, arguments.both.ignored_scope, shared_group, {.prefix = "ignored_scope_"});
  add_part(app, arguments.options.encoder, "-encoder");
  add_part(app, arguments.options.decoder, "-decoder");
  add_session_options(app, arguments.options.session);
}

}  // namespace

Command add_quantize(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("quantize", "Calibrate a model on speech and write it as INT8.");
  add_options(*app, *arguments);
  app->footer(
      "\nExample:\n"
      "  sotto quantize base-fp16 -o base-int8 --calibration LibriSpeech/dev-clean");
  return {app, [app, arguments, context] { return run(*app, *arguments, context); }};
}

}  // namespace sotto::cli
