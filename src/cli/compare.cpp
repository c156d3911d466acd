#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "cli/command.h"
#include "cli/field_json.h"
#include "cli/quantize_report.h"
#include "core/atomic_file.h"
#include "core/json_file.h"
#include "sotto/error.h"
#include "sotto/report.h"
#include "sotto/resume.h"

namespace sotto::cli {
namespace {

struct Arguments {
  std::vector<std::string> models;
  std::string test;
  std::string json;
  std::string markdown;
  std::string report;
  std::string resume;
  std::vector<std::string> quantize_reports;
  int take = 0;
  int skip = 0;
  bool shuffle = false;
  std::optional<double> fail_if_drop;
  evaluate::CompareOptions options;
  TemperatureOptions temperature;
};

/// A directory or a folder of results as it is, else a model of the hub.
std::vector<std::filesystem::path> find_models(const Arguments& arguments, const Context& context) {
  std::vector<std::filesystem::path> models;
  for (const std::string& model : arguments.models) {
    models.push_back(find_model(model, context));
  }
  return models;
}

/// A word as a shell would have to be given it.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + "'";
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line = "sotto";
  for (const std::string& word : words) {
    line += " " + quoted(word);
  }
  return line;
}

/// The command a quantizer's report came from, as far as it tells.
std::string quantize_command(const std::filesystem::path& file) {
  const auto report = read_json_object(file);
  const auto text = [&](const char* key) { return json_field<std::string>(report, key, "?", file); };
  const auto calibration = json_field(report, "calibration", nlohmann::json::object(), file);
  return command_line({"quantize", text("model"), "-o", text("output"), "--calibration",
                       json_field<std::string>(calibration, "directory", "?", file), "--samples",
                       fmt::to_string(json_field<std::size_t>(calibration, "n_utterances", 0, file))});
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Files of --quantize-report, else those that lie beside the models.
std::vector<std::string> quantize_reports(const Arguments& arguments,
                                          const std::vector<std::filesystem::path>& models) {
  std::vector<std::string> files = arguments.quantize_reports;
  for (std::size_t i = 0; i < models.size() && arguments.quantize_reports.empty(); ++i) {
    std::error_code error;
    const std::filesystem::path file = models[i] / kQuantizeReportName;
    if (std::filesystem::is_regular_file(file, error)) {
      files.push_back(file.string());
    }
  }
  return files;
}

evaluate::HtmlOptions html_options(const Arguments& arguments,
                                   const std::vector<std::filesystem::path>& models,
                                   const std::vector<std::string>& command) {
  evaluate::HtmlOptions html;
  for (const std::string& file : quantize_reports(arguments, models)) {
    html.commands.push_back(quantize_command(file));
    html.quantize_reports.push_back(read_text(file));
  }
  html.commands.push_back(command_line(command));
  return html;
}

/// The layers of each further model, measured on one of the utterances that was kept.
void add_layers(evaluate::HtmlOptions& html,
                const evaluate::Comparison& comparison,
                const Progress& progress) {
  const auto& first = comparison.models.front();
  if (first.is_peer || comparison.audio.empty()) {
    return;
  }
  const auto& [id, samples] = *comparison.audio.begin();
  const auto utterance = std::find_if(first.utterances.begin(), first.utterances.end(),
                                      [&id = id](const auto& result) { return result.id == id; });
  const evaluate::Speech speech{
      .id = id, .text = utterance == first.utterances.end() ? "" : utterance->reference, .samples = samples};
  for (std::size_t k = 1; k < comparison.models.size(); ++k) {
    const auto& other = comparison.models[k];
    if (!other.is_peer) {
      html.layers.push_back(
          {other.name, evaluate::compare_layers(first.directory, other.directory, speech, progress)});
    }
  }
}

void write_reports(const Arguments& arguments,
                   const evaluate::Comparison& comparison,
                   const evaluate::HtmlOptions& html,
                   Console& console) {
  const evaluate::ReportDetails details{html.quantize_reports, html.layers};
  if (!arguments.markdown.empty()) {
    write_file_atomically(arguments.markdown, evaluate::to_markdown(comparison, details));
    console.print(fmt::format("Tables in Markdown: {}", arguments.markdown));
  }
  if (!arguments.json.empty()) {
    write_file_atomically(arguments.json, evaluate::to_json(comparison, details));
    console.print(fmt::format("All figures and texts: {}", arguments.json));
  }
  if (!arguments.report.empty()) {
    write_file_atomically(arguments.report, evaluate::to_html(comparison, html));
    console.print(fmt::format("Report: {}", std::filesystem::absolute(arguments.report).string()));
  }
}

/// 0, or kStatusDropped where a model lost more than it may; no figure at all counts as lost.
int judge(const Arguments& arguments, const evaluate::Comparison& comparison, Console& console) {
  int status = 0;
  for (std::size_t k = 1; arguments.fail_if_drop && k < comparison.models.size(); ++k) {
    const evaluate::Measurement& model = comparison.models[k];
    if (model.drop && model.drop->points <= *arguments.fail_if_drop) {
      continue;
    }
    console.error(model.drop ? fmt::format("{}: word accuracy dropped by {:.2f} points, more than {:g}",
                                           model.name, model.drop->points, *arguments.fail_if_drop)
                             : fmt::format("{}: expected a drop of at most {:g} points, found no words to "
                                           "measure one",
                                           model.name, *arguments.fail_if_drop));
    status = kStatusDropped;
  }
  return status;
}

evaluate::DataOptions data_options(const Arguments& arguments) {
  return {.take = static_cast<std::size_t>(arguments.take),
          .skip = static_cast<std::size_t>(arguments.skip),
          .shuffle = arguments.shuffle,
          .seed = arguments.options.transcribe.seed,
          .translated = arguments.options.transcribe.task == transcribe::Task::translate,
          .network = network_of(arguments.test)};
}

/// All that figures depend on, beside the models and the speech itself.
std::string settings_text(const Arguments& arguments) {
  return Json({{"transcribe", fields_json(arguments.options.transcribe)},
               {"session", fields_json(arguments.options.session)}})
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

int run(Arguments& arguments, const Context& context) {
  finish(arguments.options.transcribe, arguments.temperature);
  const bool has_details =
      !arguments.report.empty() || !arguments.json.empty() || !arguments.markdown.empty();
  arguments.options.keep_audio =
      arguments.report.empty() ? (has_details ? 1 : 0) : evaluate::HtmlOptions().n_utterances;
  const auto models = find_models(arguments, context);
  auto html = html_options(arguments, models, context.command);  // refused before an hour of measuring
  const auto speech = evaluate::open_speech(arguments.test, data_options(arguments));
  auto comparison =
      evaluate::compare(models, *speech, arguments.options, {arguments.resume, settings_text(arguments)},
                        context.console.progress(context.stop));
  comparison.data = arguments.test;
  warn_of_skipped(context.console, comparison.skipped);
  context.console.write(evaluate::to_table(comparison));
  if (has_details) {
    add_layers(html, comparison, context.console.progress(context.stop));
  }
  write_reports(arguments, comparison, html, context.console);
  if (!arguments.resume.empty()) {
    std::error_code ignored;
    std::filesystem::remove(arguments.resume, ignored);  // all is said and done
  }
  return judge(arguments, comparison, context.console);
}

}  // namespace

Command add_compare(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app =
      parent.add_subcommand("compare", "Measure size, speed and word accuracy of models side by side.");
  app->add_option(
         "MODEL", arguments->models,
         "model directories, or folders of another program's results (ID.json); the first is what the "
         "others are compared with")
      ->required();
  app->add_option(
         "--test", arguments->test,
         "speech with its words: a folder, a .tsv, .csv or .jsonl table, or a .tar archive, also at an "
         "http(s) URL")
      ->type_name("SPEECH")
      ->required();
  add_field(*app, {"take", "utterances to use; 0: all", 0, 1e9}, "--take", arguments->take);
  add_field(*app, {"skip", "utterances passed over before", 0, 1e9}, "--skip", arguments->skip);
  add_field(*app, {"shuffle", "take utterances in a random order, which --seed decides"}, "--shuffle",
            arguments->shuffle);
  app->add_option("--json", arguments->json, "write all figures and every utterance's texts")
      ->type_name("FILE");
  app->add_option("--markdown", arguments->markdown, "write the tables as Markdown")->type_name("FILE");
  app->add_option("--report", arguments->report, "write one HTML page with charts, words and sound")
      ->type_name("FILE");
  add_field(*app,
            {"quantize_report",
             "file of sotto quantize --report whose layers are shown, in place of the models' own "
             "sotto_quantize.json"},
            "--quantize-report", arguments->quantize_reports)
      ->type_name("FILE");
  app->add_option("--resume", arguments->resume,
                  "keep finished utterances in FILE, and go on with those that it holds; removed at the end")
      ->type_name("FILE");
  add_field(*app, {"fail_if_drop", "exit with status 4 where word accuracy drops by more points", -100, 100},
            "--fail-if-drop", arguments->fail_if_drop);
  add_transcribe_options(*app, arguments->options.transcribe, arguments->temperature);
  add_session_options(*app, arguments->options.session);
  app->footer("\nExample:\n  sotto compare base-fp16 base-int8 --test LibriSpeech/test-clean --take 100");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
