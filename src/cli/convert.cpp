#include <memory>

#include "cli/command.h"
#include "sotto/model.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::string checkpoint;
  std::string output;
  model::ConvertOptions options;
};

int run(const Arguments& arguments, const Context& context) {
  model::convert(find_model(arguments.checkpoint, context), arguments.output, arguments.options,
                 context.console.progress(context.stop));
  const model::ModelSize size = model::measure_size(arguments.output);
  context.console.print(fmt::format("{}: encoder {}, decoder {}, {} weights", arguments.output,
                                    megabytes(size.encoder_bytes), megabytes(size.decoder_bytes),
                                    value_text(arguments.options.weight_format)));
  return 0;
}

}  // namespace

Command add_convert(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app =
      parent.add_subcommand("convert", "Turn a Hugging Face checkpoint into an OpenVINO model directory.");
  app->add_option(
         "CHECKPOINT", arguments->checkpoint,
         "directory with config.json and *.safetensors, or a hub's name like openai/whisper-base or base")
      ->required();
  app->add_option("-o,--output", arguments->output, "model directory to write; an older one is replaced")
      ->type_name("DIR")
      ->required();
  add_fields(*app, arguments->options, [](std::string_view) { return "Options"; });
  app->footer("\nExample:\n  sotto convert whisper-base -o base-fp16");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
