#include "cli/transcribe_arguments.h"

#include "cli/field_options.h"

namespace sotto::cli {

void add_model_option(CLI::App& app, TranscribeArguments& arguments) {
  app.add_option("--model", arguments.model,
                 "OpenVINO model directory, or a checkpoint or a hub's name, converted in memory (default "
                 "turbo)")
      ->type_name("DIR")
      ->take_last()
      ->group(kInputAndOutput);
}

void add_output_directory_option(CLI::App& app, TranscribeArguments& arguments) {
  app.add_option("-o,--output-dir", arguments.output_dir, "where outputs are written (default .)")
      ->type_name("DIR")
      ->take_last()
      ->group(kInputAndOutput);
}

void add_display_options(CLI::App& app, TranscribeArguments& arguments) {
  add_field(app, {"print_colors", "show words in colors from red, unlikely, to green"}, "--print-colors",
            arguments.print_colors)
      ->group(kInputAndOutput);
  app.add_flag("--json-lines", arguments.json_lines,
               "tell what happens as JSON objects, one a line, for other programs")
      ->group(kInputAndOutput);
}

}  // namespace sotto::cli
