#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/command.h"
#include "cli/field_json.h"
#include "sotto/quantize.h"

namespace sotto::cli {
namespace {

using quantize::StatisticsSet;
using quantize::TensorSummary;

struct Arguments {
  std::vector<std::string> files;
  std::string output;
  std::string file;
  bool json = false;
};

int merge(const Arguments& arguments, const Context& context) {
  StatisticsSet all;
  for (const std::string& file : arguments.files) {
    all.merge(StatisticsSet::load(file));
  }
  all.save(arguments.output);
  context.console.print(fmt::format("{}: {} utterances", arguments.output, all.inputs.size()));
  return 0;
}

/// The magnitudes of the channels, smallest to largest, as a line of `width` blocks that is linear in
/// log2: eight heights of a factor 4 each below the largest.
std::string plot(std::vector<float> magnitude, std::size_t width) {
  constexpr const char* kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::ranges::sort(magnitude);
  std::string line;
  const std::size_t n = std::min(width, magnitude.size());
  for (std::size_t i = 0; i < n; ++i) {
    const float value = magnitude[(i + 1) * magnitude.size() / n - 1];
    const double below = value > 0.0F ? std::log2(magnitude.back() / value) / 2.0 : 8.0;
    line += kBlocks[static_cast<std::size_t>(std::clamp(8.0 - below, 0.0, 8.0))];
  }
  return line;
}

Json tensor_json(const TensorSummary& tensor) {
  Json outliers = Json::array();
  for (const std::size_t c : tensor.outlier_channels) {
    outliers.push_back({{"channel", c}, {"magnitude", tensor.channel_magnitude[c]}});
  }
  return {{"node", tensor.node},
          {"port", tensor.port},
          {"n_samples", tensor.n_samples},
          {"n_channels", tensor.n_channels},
          {"min", tensor.min},
          {"max", tensor.max},
          {"median_magnitude", tensor.median_magnitude},
          {"channel_magnitude", tensor.channel_magnitude},
          {"outlier_channels", outliers}};
}

std::string statistics_json(const StatisticsSet& set) {
  Json parts = Json::object();
  for (const auto& [name, statistics] : set.parts) {
    Json tensors = Json::array();
    for (const TensorSummary& tensor : summarize(statistics)) {
      tensors.push_back(tensor_json(tensor));
    }
    parts[name] = {{"n_samples", statistics.n_samples()}, {"tensors", tensors}};
  }
  return json_text({{"schema", "sotto.statistics"},
                    {"schema_version", 1},
                    {"inputs", set.inputs},
                    {"inputs_s", set.inputs_s},
                    {"settings", set.settings},
                    {"inference_precision", set.inference_precision},
                    {"parts", parts}});
}

std::string outliers_text(const TensorSummary& tensor) {
  constexpr std::size_t kMostShown = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(tensor.outlier_channels.size(), kMostShown); ++i) {
    const std::size_t c = tensor.outlier_channels[i];
    text += fmt::format("{}{} ({:.3g})", i == 0 ? "" : ", ", c, tensor.channel_magnitude[c]);
  }
  const std::size_t n = tensor.outlier_channels.size();
  return n > kMostShown ? fmt::format("{}, {} more", text, n - kMostShown) : text;
}

void print_part(Console& console, const std::string& name, const quantize::Statistics& statistics) {
  constexpr std::size_t kPlotWidth = 24;
  const auto tensors = summarize(statistics);
  console.print(fmt::format("\n{}: {} inferences, {} tensors", name, statistics.n_samples(), tensors.size()));
  for (const TensorSummary& tensor : tensors) {
    console.print(tensor.port == 0 ? tensor.node : fmt::format("{}, output {}", tensor.node, tensor.port));
    if (tensor.n_samples == 0) {
      console.print("  never seen");
      continue;
    }
    console.print(fmt::format("  {:>10.4g} to {:<10.4g} {:>5} channels {}", tensor.min, tensor.max,
                              tensor.n_channels, plot(tensor.channel_magnitude, kPlotWidth)));
    if (!tensor.outlier_channels.empty()) {
      console.print(fmt::format("  outlier channels: {}", outliers_text(tensor)));
    }
  }
}

int show(const Arguments& arguments, const Context& context) {
  const StatisticsSet set = StatisticsSet::load(arguments.file);
  if (arguments.json) {
    context.console.write(statistics_json(set));
    return 0;
  }
  context.console.print(fmt::format("{}: {} utterances, {:.1f} s of audio, observed in {}; {}",
                                    arguments.file, set.inputs.size(), set.inputs_s, set.inference_precision,
                                    set.settings));
  for (const auto& [name, statistics] : set.parts) {
    print_part(context.console, name, statistics);
  }
  return 0;
}

}  // namespace

Command add_statistics(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("statistics", "Merge or show what sotto calibrate wrote.");
  app->require_subcommand(1);
  CLI::App* merging =
      app->add_subcommand("merge", "Put statistics of one model together.")->group("Commands");
  merging->add_option("FILE", arguments->files, "files of statistics of the same model")->required();
  merging->add_option("-o,--output", arguments->output, "file of statistics to write")
      ->type_name("FILE")
      ->required();
  CLI::App* showing = app->add_subcommand("show", "Show ranges and outlier channels of what was observed.")
                          ->group("Commands");
  showing->add_option("FILE", arguments->file, "file of statistics")->required();
  showing->add_flag("--json", arguments->json, "as JSON, with every channel");
  app->footer(
      "\nExample:\n"
      "  sotto statistics merge monday.stats tuesday.stats -o both.stats\n"
      "  sotto statistics show both.stats");
  return {app, [arguments, context, merging] {
            return merging->parsed() ? merge(*arguments, context) : show(*arguments, context);
          }};
}

}  // namespace sotto::cli
