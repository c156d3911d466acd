#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>

#include "cli/command.h"
#include "cli/output_files.h"
#include "cli/transcribe_arguments.h"
#include "cli/transcribe_job.h"
#include "sotto/error.h"
#include "sotto/subtitles.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

/// openai-whisper's CLI decodes so; its Python API and ours are greedy.
constexpr int kBeamSize = 5;

/// Two inputs that would be written to the same name must not overwrite each other.
void refuse_same_names(const std::vector<std::string>& inputs) {
  std::map<std::string, std::string> by_stem;
  for (const std::string& input : inputs) {
    const auto [found, is_new] = by_stem.emplace(fs::path(input).stem().string(), input);
    if (!is_new) {
      throw Error(
          ErrorCode::invalid_argument, input,
          fmt::format("would be written to the same name as {}; transcribe them into two directories.",
                      found->second));
    }
  }
}

/// openai-whisper's options of a layout mean its own layout, and layouts of words need their times.
void finish_layout(const CLI::App& app,
                   const std::vector<subtitles::Format>& formats,
                   TranscribeArguments& arguments) {
  constexpr std::array kOpenAiOptions = {"--max-line-width", "--max-line-count", "--max-words-per-line",
                                         "--highlight-words"};
  const bool has_openai_option = std::any_of(kOpenAiOptions.begin(), kOpenAiOptions.end(),
                                             [&](const char* o) { return app.get_option(o)->count() > 0; });
  if (has_openai_option && app.get_option("--layout")->count() == 0) {
    arguments.layout.layout = subtitles::Layout::segments;
  }
  subtitles::validate(arguments.layout);
  const bool readable = arguments.layout.layout == subtitles::Layout::readable &&
                        std::any_of(formats.begin(), formats.end(), subtitles::has_cues);
  const bool needs_words = has_openai_option || arguments.print_colors;
  if (app.get_option("--word-timestamps")->count() == 0) {
    arguments.words_if_possible = readable;
    arguments.options.word_timestamps = needs_words;
  } else if (has_openai_option && !readable && !arguments.options.word_timestamps) {
    throw Error(ErrorCode::invalid_argument, "--word-timestamps",
                "expected True: --max-line-width, --max-line-count, --max-words-per-line and "
                "--highlight-words need words.");
  }
}

int run(const CLI::App& app, TranscribeArguments& arguments, const Context& context) {
  finish(arguments.options, arguments.temperature);
  context.console.set_quiet(arguments.quiet);
  std::vector<subtitles::Format> formats = chosen_formats(arguments);
  finish_layout(app, formats, arguments);
  if (arguments.json_lines && arguments.to_stdout) {
    throw Error(ErrorCode::invalid_argument, "--json-lines", "expected no --stdout, both write there.");
  }
  if (!arguments.to_stdout) {
    refuse_same_names(arguments.inputs);
    prepare_output_directory(arguments.output_dir);
  }
  return TranscribeJob(arguments, context, std::move(formats)).run();
}

void add_files(CLI::App& app, TranscribeArguments& arguments) {
  constexpr const char* kGroup = "Input and output";
  app.add_option("FILE", arguments.inputs, "audio or video, anything FFmpeg reads")->required();
  app.add_option("--model", arguments.model,
                 "OpenVINO model directory, or a checkpoint or a hub's name, converted in memory (default "
                 "turbo)")
      ->type_name("DIR")
      ->group(kGroup);
  app.add_option("-o,--output-dir", arguments.output_dir, "where outputs are written (default .)")
      ->type_name("DIR")
      ->group(kGroup);
  app.add_option("-f,--output-format", arguments.output_format,
                 "all, or some of txt,srt,vtt,tsv,json,ass,lrc,csv (default all; with --stdout txt)")
      ->type_name("NAME,...")
      ->group(kGroup);
  app.add_flag("--stdout", arguments.to_stdout, "write the output to standard output, and nothing else")
      ->group(kGroup);
  add_field(app, {"verbose", "show segments as they are heard"}, "--verbose", arguments.verbose)
      ->group(kGroup);
  app.add_flag("--quiet", arguments.quiet, "no segments, no progress; errors only")->group(kGroup);
  add_field(app, {"print_colors", "show words in colors from red, unlikely, to green"}, "--print-colors",
            arguments.print_colors)
      ->group(kGroup);
  app.add_flag("--json-lines", arguments.json_lines,
               "tell what happens as JSON objects, one a line, for other programs")
      ->group(kGroup);
}

}  // namespace

Command add_transcribe(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<TranscribeArguments>();
  arguments->options.beam_size = kBeamSize;
  CLI::App* app =
      parent.add_subcommand("transcribe", "Write what is said in audio or video as subtitles or text.");
  add_files(*app, *arguments);
  add_fields(*app, arguments->layout, [](std::string_view) { return "Subtitles"; });
  add_transcribe_options(*app, arguments->options, arguments->temperature);
  add_session_options(*app, arguments->session);
  app->footer(
      "\nopenai-whisper's spellings are accepted: --output_dir, --verbose False, None.\n"
      "\nExamples:\n"
      "  sotto transcribe talk.mp4 --model base-int8 --output-format srt\n"
      "  sotto transcribe *.mp3 --model base-int8 --language German -o subtitles\n"
      "  sotto transcribe call.wav --model base-int8 --stdout > call.txt");
  return {app, [app, arguments, context] { return run(*app, *arguments, context); }};
}

}  // namespace sotto::cli
