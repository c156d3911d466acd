#include <memory>

#include "cli/command.h"
#include "core/atomic_file.h"
#include "sotto/evaluate.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::vector<std::string> models;
  std::string test;
  std::string json;
  int take = 0;
  evaluate::CompareOptions options;
  TemperatureOptions temperature;
};

/// Says what of the test set was left out; a set must not become smaller unseen.
void warn_of_skipped(Console& console, const evaluate::DataSet& data) {
  constexpr std::size_t kMostShown = 5;
  for (std::size_t i = 0; i < std::min(data.skipped.size(), kMostShown); ++i) {
    console.warn(data.skipped[i]);
  }
  if (data.skipped.size() > kMostShown) {
    console.warn(fmt::format("{} more could not be used", data.skipped.size() - kMostShown));
  }
}

int run(Arguments& arguments, const Context& context) {
  finish(arguments.options.transcribe, arguments.temperature);
  const auto data = evaluate::read_librispeech(arguments.test, static_cast<std::size_t>(arguments.take));
  warn_of_skipped(context.console, data);
  const std::vector<std::filesystem::path> models(arguments.models.begin(), arguments.models.end());
  const auto measurements =
      evaluate::compare(models, data, arguments.options, context.console.progress(context.stop));
  context.console.write(evaluate::to_table(measurements));
  if (!arguments.json.empty()) {
    write_file_atomically(arguments.json, evaluate::to_json(measurements));
    context.console.print(fmt::format("All figures and texts: {}", arguments.json));
  }
  return 0;
}

}  // namespace

Command add_compare(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app =
      parent.add_subcommand("compare", "Measure size, speed and word accuracy of models side by side.");
  app->add_option("MODEL", arguments->models,
                  "model directories; the first is what the others are compared with")
      ->required();
  app->add_option("--test", arguments->test, "folder of speech in LibriSpeech's layout")
      ->type_name("DIR")
      ->required();
  add_field(*app, {"take", "utterances to use; 0: all", 0, 1e9}, "--take", arguments->take);
  app->add_option("--json", arguments->json, "write all figures and every utterance's texts")
      ->type_name("FILE");
  add_transcribe_options(*app, arguments->options.transcribe, arguments->temperature);
  add_session_options(*app, arguments->options.session);
  app->footer("\nExample:\n  sotto compare base-fp16 base-int8 --test LibriSpeech/test-clean --take 100");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
