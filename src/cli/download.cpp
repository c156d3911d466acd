#include <memory>

#include "cli/command.h"
#include "cli/hub_environment.h"
#include "sotto/hub.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::vector<std::string> names;
  std::string revision;
  std::string cache;
  bool offline = false;
};

hub::HubOptions options_of(const Arguments& arguments) {
  hub::HubOptions options = hub_options();
  if (!arguments.revision.empty()) {
    options.revision = arguments.revision;
  }
  if (!arguments.cache.empty()) {
    options.cache = arguments.cache;
  }
  options.offline = options.offline || arguments.offline;
  return options;
}

int run(const Arguments& arguments, const Context& context) {
  const hub::HubOptions options = options_of(arguments);
  for (const std::string& name : arguments.names) {
    const std::filesystem::path directory =
        hub::download(hub::repository_of(name), options, context.console.progress(context.stop));
    context.console.write(directory.string() + "\n");
  }
  return 0;
}

}  // namespace

Command add_download(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand(
      "download", "Fetch a Whisper checkpoint from a Hugging Face hub and print its directory.");
  app->add_option("NAME", arguments->names,
                  "a hub's name like openai/whisper-base, or tiny, base, ... large-v3, turbo")
      ->required();
  app->add_option("--revision", arguments->revision, "branch, tag or commit (default main)")
      ->type_name("TEXT");
  app->add_option("--cache", arguments->cache, "directory of models (default: as huggingface_hub)")
      ->type_name("DIR");
  app->add_flag("--offline", arguments->offline, "ask nobody: print where the cache has it, or fail");
  app->footer(
      "\nOnly the files that a Whisper needs are fetched; what was cut off goes on where it ended.\n"
      "\nExample:\n  sotto download turbo");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
