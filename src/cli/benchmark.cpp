#include "sotto/benchmark.h"

#include <memory>

#include "cli/command.h"
#include "core/atomic_file.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::string model;
  std::string json;
  evaluate::BenchmarkOptions options;
};

int run(const Arguments& arguments, const Context& context) {
  const auto result = evaluate::benchmark(find_model(arguments.model, context), arguments.options,
                                          context.console.progress(context.stop));
  context.console.write(evaluate::to_table(result));
  if (!arguments.json.empty()) {
    write_file_atomically(arguments.json, evaluate::to_json(result));
    context.console.print(fmt::format("All figures: {}", arguments.json));
  }
  return 0;
}

}  // namespace

Command add_benchmark(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app =
      parent.add_subcommand("benchmark", "Time encoder and decoder alone, as benchmark_app does.");
  app->add_option("MODEL", arguments->model, "model directory, checkpoint or a hub's name")->required();
  app->add_option("--json", arguments->json, "write all figures")->type_name("FILE");
  add_fields(*app, arguments->options, [](std::string_view) { return "How it runs"; });
  add_session_options(*app, arguments->options.session);
  app->footer("\nExample:\n  sotto benchmark base-int8 --hint throughput --inference-precision f32");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
