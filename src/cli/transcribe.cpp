#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/output_files.h"
#include "cli/transcribe_arguments.h"
#include "cli/transcribe_job.h"
#include "cli/video_copy.h"
#include "sotto/error.h"
#include "sotto/subtitles.h"

namespace sotto::cli {
namespace {

/// openai-whisper's CLI decodes so; its Python API and ours are greedy.
constexpr int kBeamSize = 5;

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

/// openai-whisper's --fp16 and --device in OpenVINO's terms.
void finish_session(TranscribeArguments& arguments) {
  if (!arguments.fp16 && arguments.session.inference_precision.empty()) {
    arguments.session.inference_precision = "f32";
  }
  for (const char* device : {"CPU", "GPU", "NPU", "AUTO"}) {
    if (same_word(arguments.session.device, device)) {
      arguments.session.device = device;
    }
  }
}

/// --check-batch asks for batches, and for a place to show what it finds.
void finish_check(const CLI::App& app, TranscribeArguments& arguments) {
  if (!arguments.check_batch) {
    return;
  }
  if (arguments.to_stdout) {
    throw Error(ErrorCode::invalid_argument, "--check-batch", "expected no --stdout, both write there.");
  }
  if (app.get_option("--batch-size")->count() == 0) {
    arguments.options.batch_size = 0;
  } else if (arguments.options.batch_size == 1) {
    throw Error(ErrorCode::invalid_argument, "--check-batch",
                "expected --batch-size of 0 or above 1, found 1: there is nothing to compare.");
  }
}

/// A misspelt name is told before a model is fetched and loaded for it.
void expect_an_input(const std::vector<Input>& inputs) {
  const auto is_missing = [](const Input& input) {
    std::error_code ignored;
    return input.is_file() && !std::filesystem::exists(input.name, ignored);
  };
  if (std::all_of(inputs.begin(), inputs.end(), is_missing)) {
    throw Error(ErrorCode::not_found, inputs.front().name,
                inputs.size() == 1
                    ? "expected an audio or video file, found nothing."
                    : fmt::format("expected audio or video files, found none of the {}.", inputs.size()));
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
  if (arguments.to_stdout && arguments.resume) {
    throw Error(ErrorCode::invalid_argument, "--stdout",
                "expected no --resume: journals lie beside outputs.");
  }
  if (arguments.to_stdout && (arguments.mux || arguments.burn)) {
    throw Error(ErrorCode::invalid_argument, "--stdout", "expected no --mux or --burn, which write files.");
  }
  finish_check(app, arguments);
  expect_ffmpeg(arguments);
  finish_session(arguments);
  std::vector<Input> inputs = expand_inputs(arguments.inputs);
  if (app.get_option("--output-name")->count() > 0) {
    rename_outputs(arguments.output_name, inputs);
  }
  expect_an_input(inputs);
  if (!arguments.to_stdout) {
    prepare_output_directory(arguments.output_dir);
  }
  return TranscribeJob(arguments, context, std::move(inputs), std::move(formats)).run();
}

void add_files(CLI::App& app, TranscribeArguments& arguments) {
  app.add_option("FILE", arguments.inputs,
                 "audio or video, anything FFmpeg reads; a directory, a URL, - for standard input")
      ->required();
  add_model_option(app, arguments);
  app.add_option("--model-dir", arguments.model_dir, "where models are fetched to (default the hub's cache)")
      ->type_name("DIR")
      ->take_last()
      ->group(kInputAndOutput);
  add_field(app, {"local_files_only", "fetch no model"}, "--local-files-only", arguments.local_files_only)
      ->group(kInputAndOutput);
  add_field(app, {"allow_local_urls", "URLs may lead to private and loopback addresses"},
            "--allow-local-urls", arguments.allow_local_urls)
      ->group(kInputAndOutput);
  add_output_directory_option(app, arguments);
  app.add_option("--output-name", arguments.output_name,
                 "name of a single input's outputs, without extension (default the input's)")
      ->type_name("NAME")
      ->take_last()
      ->group(kInputAndOutput);
  app.add_option("-f,--output-format", arguments.output_format,
                 "all, or some of txt,srt,vtt,tsv,json,ass,lrc,csv (default all; with --stdout txt)")
      ->type_name("NAME,...")
      ->take_last()
      ->group(kInputAndOutput);
  app.add_flag("--resume", arguments.resume,
               "go on where a run that was killed or stopped ended, by the journal it left")
      ->group(kInputAndOutput);
  app.add_flag("--check-batch", arguments.check_batch,
               "hear all once more, one window after the other, and show which words batches change")
      ->group(kInputAndOutput);
  add_field(app, {"mux", "write a copy of the video with the subtitles as a stream"}, "--mux", arguments.mux)
      ->group(kInputAndOutput);
  add_field(app, {"burn", "write a copy of the video with the subtitles in its pictures"}, "--burn",
            arguments.burn)
      ->group(kInputAndOutput);
  app.add_flag("--stdout", arguments.to_stdout, "write the output to standard output, and nothing else")
      ->group(kInputAndOutput);
  add_field(app, {"verbose", "show segments as they are heard"}, "--verbose", arguments.verbose)
      ->group(kInputAndOutput);
  app.add_flag("--quiet", arguments.quiet, "no segments, no progress; errors only")->group(kInputAndOutput);
  add_display_options(app, arguments);
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
  add_field(*app, {"fp16", "off: the inference precision f32"}, "--fp16", arguments->fp16)
      ->group("Where it runs");
  app->footer(
      "\nopenai-whisper's spellings are accepted: --output_dir, --verbose False, None.\n"
      "\nExamples:\n"
      "  sotto transcribe talk.mp4 --model base-int8 --output-format srt\n"
      "  sotto transcribe *.mp3 --model base-int8 --language German -o subtitles\n"
      "  sotto transcribe call.wav --model base-int8 --stdout > call.txt");
  return {app, [app, arguments, context] { return run(*app, *arguments, context); }};
}

}  // namespace sotto::cli
