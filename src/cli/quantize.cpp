#include <memory>

#include "cli/command.h"
#include "cli/quantize_report.h"
#include "core/atomic_file.h"
#include "sotto/model.h"
#include "sotto/recipe.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::string model;
  std::string output;
  std::string calibration;
  std::string report;
  int samples = 30;
  QuantizeWhisperOptions options;
  TemperatureOptions temperature;
};

constexpr const char* kSharedGroup = "Quantization";
constexpr const char* kPartGroup = "Quantization of one part";

/// Options both parts share are bound to the encoder's and copied; these are each part's own.
bool is_of_one_part(std::string_view field_name) {
  return field_name == "smooth_quant_alpha" || field_name == "attention_inputs" || field_name == "names" ||
         field_name == "patterns" || field_name == "types";
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

/// The calibration speech is transcribed with the defaults; what must be known of it is what it is.
std::string calibration_group(std::string_view field_name) {
  return field_name == "task" || field_name == "language" ? "Calibration" : "";
}

QuantizeWhisperOptions finished(const Arguments& arguments) {
  QuantizeWhisperOptions options = arguments.options;
  const quantize::QuantizeOptions own = options.decoder;
  options.decoder = options.encoder;
  options.decoder.smooth_quant_alpha = own.smooth_quant_alpha;
  options.decoder.attention_inputs = own.attention_inputs;
  options.decoder.ignored_scope = own.ignored_scope;
  options.decoder.ignored_scope.validate = options.encoder.ignored_scope.validate;
  options.calibration = arguments.calibration;
  options.samples = static_cast<std::size_t>(arguments.samples);
  finish(options.transcribe, arguments.temperature);
  return options;
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

int run(const Arguments& arguments, const Context& context) {
  const QuantizeWhisperOptions options = finished(arguments);
  const QuantizeWhisperReport report =
      quantize_whisper(find_model(arguments.model, context), arguments.output, options,
                       context.console.progress(context.stop));
  if (report.n_utterances < options.samples) {
    context.console.warn(fmt::format("{} holds {} utterances, fewer than the {} asked for",
                                     arguments.calibration, report.n_utterances, options.samples));
  }
  print_report(context.console, arguments, report);
  const std::size_t skipped = n_skipped(report.encoder_steps) + n_skipped(report.decoder_steps);
  if (!arguments.report.empty()) {
    write_file_atomically(arguments.report,
                          quantize_json(arguments.model, arguments.output, options, report));
    context.console.print(
        fmt::format("report: {} ({} steps skipped, with reasons)", arguments.report, skipped));
  } else if (skipped > 0) {
    context.console.print(fmt::format("{} steps were skipped; --report FILE says which and why", skipped));
  }
  return 0;
}

void add_options(CLI::App& app, Arguments& arguments) {
  app.add_option("MODEL", arguments.model, "FP model: a directory, a checkpoint or a hub's name")->required();
  app.add_option("-o,--output", arguments.output, "model directory to write; an older one is replaced")
      ->type_name("DIR")
      ->required();
  app.add_option("--report", arguments.report, "write what was done to each layer, or why not, as JSON")
      ->type_name("FILE");
  app.add_option("--calibration", arguments.calibration, "folder of speech in LibriSpeech's layout")
      ->type_name("DIR")
      ->required()
      ->group("Calibration");
  add_field(app, {"samples", "utterances to calibrate with", 1, 1e6}, "--samples", arguments.samples)
      ->group("Calibration");
  add_fields(app, arguments.options.transcribe, calibration_group);
  add_fields(app, arguments.options.encoder, shared_group);
  add_fields(app, arguments.options.encoder.ignored_scope, shared_group, {.prefix = "ignored_scope_"});
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
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
