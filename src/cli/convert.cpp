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
  const std::filesystem::path checkpoint = find_model(arguments.checkpoint, context);
  const bool is_ir = model::is_ir_directory(checkpoint);
  model::convert(checkpoint, arguments.output, arguments.options, context.console.progress(context.stop));
  const model::ModelSize size = model::measure_size(arguments.output);
  const std::string decoder = size.decoder_bytes == 0 ? "none" : megabytes(size.decoder_bytes);
  const std::string weights =
      is_ir ? "weights as they were" : value_text(arguments.options.weight_format) + " weights";
  context.console.print(fmt::format("{}: encoder {}, decoder {}, {}", arguments.output,
                                    megabytes(size.encoder_bytes), decoder, weights));
  return 0;
}

}  // namespace

Command add_convert(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("convert", "Turn any Whisper checkpoint into an OpenVINO model.");
  app->add_option(
         "CHECKPOINT", arguments->checkpoint,
         "Hugging Face directory, .pt or ggml .bin file, a notebook's pair, or a hub's name like base")
      ->required();
  app->add_option("-o,--output", arguments->output, "model directory to write; an older one is replaced")
      ->type_name("DIR")
      ->required();
  add_fields(*app, arguments->options, [](std::string_view) { return "Options"; });
  app->footer(
      "\nExamples:\n  sotto convert whisper-base -o base-fp16\n"
      "  sotto convert ggml-base.bin -o base --weight-format fp32\n"
      "  sotto convert whisper_large-v2_encoder_int8.xml -o large-int8 --lift");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
