#include <memory>

#include "cli/command.h"
#include "sotto/recipe.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::string model;
  std::string data;
  std::string output;
  int samples = 0;
  bool resume = false;
  QuantizeWhisperOptions options;
};

int run(const Arguments& arguments, const Context& context) {
  CalibrateWhisperOptions options = calibration_options(arguments.options);
  options.attention_inputs = true;  // whatever is quantized with them later
  options.resume = arguments.resume;
  std::vector<std::string> skipped;
  options.calibration = arguments.data;
  options.data.network = network_of(arguments.data);
  options.on_skipped = [&](const std::string& line) { skipped.push_back(line); };
  options.progress_directory = arguments.output + ".progress";
  if (arguments.samples > 0) {
    options.samples = static_cast<std::size_t>(arguments.samples);
  }
  finish_language(options.transcribe);
  const quantize::StatisticsSet statistics = calibrate_whisper(find_model(arguments.model, context), options,
                                                               context.console.progress(context.stop));
  statistics.save(arguments.output);
  remove_progress(options.progress_directory);
  warn_of_skipped(context.console, skipped);
  context.console.print(fmt::format(
      "{}: {} utterances, {:.1f} s of audio; {} encoder and {} decoder inferences in {}", arguments.output,
      statistics.inputs.size(), statistics.inputs_s, statistics.parts.at("encoder").n_samples(),
      statistics.parts.at("decoder").n_samples(), statistics.inference_precision));
  if (statistics.inputs.size() < options.samples) {
    context.console.warn(fmt::format("{} holds {} utterances, fewer than the {} asked for", arguments.data,
                                     statistics.inputs.size(), options.samples));
  }
  return 0;
}

}  // namespace

Command add_calibrate(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("calibrate", "Take the statistics of a model that quantizing needs.");
  add_config(*app, arguments->options);
  app->add_option("MODEL", arguments->model, "FP model: a directory, a checkpoint or a hub's name")
      ->required();
  app->add_option("DATA", arguments->data, kSpeechHelp)->required();
  app->add_option("-o,--output", arguments->output, "file of statistics to write")
      ->type_name("FILE")
      ->required();
  app->add_flag("--resume", arguments->resume, "go on where a calibration with the same output broke off");
  add_samples(*app, arguments->samples, arguments->options.data);
  add_fields(*app, arguments->options.transcribe, calibration_group);
  add_session_options(*app, arguments->options.session);
  app->footer(
      "\nExample:\n"
      "  sotto calibrate base-fp16 LibriSpeech/dev-clean -o base.stats\n"
      "  sotto quantize base-fp16 -o base-int8 --statistics base.stats");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
