#include "sotto/listen.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include <unistd.h>

#include "cli/child_process.h"
#include "cli/command.h"
#include "cli/output_files.h"
#include "cli/pcm_stream.h"
#include "cli/reporter.h"
#include "cli/transcribe_arguments.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/model.h"
#include "sotto/subtitles.h"

namespace sotto::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStandardInput = "-";
constexpr const char* kOutputName = "live";
constexpr std::size_t kStepSamples = audio::kSampleRateHz / 4;

#ifdef __APPLE__
constexpr const char* kDefaultSource = "avfoundation::0";
#else
constexpr const char* kDefaultSource = "alsa:default";
#endif

struct Arguments {
  TranscribeArguments common;
  transcribe::ListenOptions listen;
  std::string source = kDefaultSource;
  std::string sample_format = "s16le";
};

SampleFormat sample_format(const std::string& name) {
  if (same_word(name, "s16le")) {
    return SampleFormat::s16le;
  }
  if (same_word(name, "f32le")) {
    return SampleFormat::f32le;
  }
  throw Error(ErrorCode::invalid_argument, "--sample-format",
              fmt::format("expected s16le or f32le, found \"{}\".", name));
}

/// What reads "alsa:default": FFmpeg's input device before the colon, its name behind it.
std::vector<std::string> recording_command(const std::string& source) {
  const std::size_t colon = source.find(':');
  const std::string device = source.substr(0, colon);
  if (colon == std::string::npos || device.empty() ||
      device.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
    throw Error(ErrorCode::invalid_argument, source,
                "expected - for standard input or DEVICE:NAME, a device of FFmpeg such as alsa:default, "
                "pulse:default or avfoundation::0.");
  }
  if (!has_program("ffmpeg")) {
    throw Error(
        ErrorCode::unsupported, source,
        "expected the program ffmpeg on PATH, which records, found none; raw samples on standard input "
        "(sotto listen -) need none.");
  }
  return {"ffmpeg", "-nostdin", "-v", "error", "-f",    device, "-i",    source.substr(colon + 1),
          "-vn",    "-ac",      "1",  "-ar",   "16000", "-f",   "s16le", "pipe:1"};
}

/// Hears a stream to its end or until it is told to stop; both are a good end.
transcribe::Transcription hear(const Arguments& arguments,
                               transcribe::Transcriber& transcriber,
                               PcmStream& stream,
                               Reporter& reporter,
                               const std::stop_token& stop) {
  const transcribe::LiveEvents events{
      .on_partial = [&](const std::vector<transcribe::Segment>& seems) { reporter.partial(seems); },
      .on_final = [&](const transcribe::Segment& segment) { reporter.segment(segment); }};
  transcribe::Listener listener(transcriber, arguments.common.options, arguments.listen, events);
  for (auto samples = stream.take(kStepSamples); !samples.empty(); samples = stream.take(kStepSamples)) {
    listener.add(samples, stream.has(kStepSamples), stop);
  }
  return listener.finish();
}

int run(Arguments& arguments, const Context& context) {
  TranscribeArguments& common = arguments.common;
  finish(common.options, common.temperature);
  context.console.set_quiet(common.quiet);
  subtitles::validate(common.layout);
  const SampleFormat format = sample_format(arguments.sample_format);
  std::vector<subtitles::Format> formats;
  if (!common.output_format.empty()) {
    formats = chosen_formats(common);
    prepare_output_directory(common.output_dir);
  }
  std::optional<ChildStream> recorder;
  const bool is_piped = arguments.source == kStandardInput;
  const std::string name = is_piped ? "standard input" : arguments.source;
  const std::vector<std::string> command =
      is_piped ? std::vector<std::string>() : recording_command(arguments.source);
  const fs::path model = find_model(common.model, context, common.model_dir, common.local_files_only);
  transcribe::Transcriber transcriber(
      model::is_ir_directory(model) ? model::load(model) : model::build(model), common.session);
  const bool has_layout = std::any_of(formats.begin(), formats.end(), subtitles::has_cues);
  common.options.word_timestamps =
      common.options.word_timestamps || common.print_colors || (has_layout && transcriber.can_time_words());
  if (!is_piped) {
    recorder.emplace(command);
  }
  const auto reporter = make_reporter(common, context.console);
  reporter->begin(name);
  PcmStream stream(is_piped ? STDIN_FILENO : recorder->output(), format, name, context.stop);
  const auto start = std::chrono::steady_clock::now();
  const auto heard = hear(arguments, transcriber, stream, *reporter, context.stop);
  if (recorder && !context.stop.stop_requested()) {
    if (const ChildResult result = recorder->wait(); result.status != 0) {
      throw Error(ErrorCode::io, name,
                  fmt::format("ffmpeg failed with status {}: {}", result.status, result.last_words));
    }
  }
  const OutputFiles outputs(common.output_dir, formats, common.layout);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  reporter->finished({name, heard, seconds, outputs.write(kOutputName, heard)});
  reporter->end(0);
  return 0;
}

void add_source(CLI::App& app, Arguments& arguments) {
  TranscribeArguments& common = arguments.common;
  app.add_option("SOURCE", arguments.source,
                 fmt::format("- for raw 16 kHz mono samples on standard input, or DEVICE:NAME, a device of "
                             "FFmpeg (default {})",
                             kDefaultSource));
  app.add_option("--sample-format", arguments.sample_format,
                 "of standard input: s16le or f32le (default s16le)")
      ->type_name("NAME")
      ->take_last()
      ->group(kInputAndOutput);
  add_model_option(app, common);
  add_fields(app, arguments.listen, [](std::string_view) { return kInputAndOutput; });
  add_output_directory_option(app, common);
  app.add_option(
         "-f,--output-format", common.output_format,
         "at the end, all that was said as live.EXT: all, or some of txt,srt,vtt,tsv,json,ass,lrc,csv "
         "(default none)")
      ->type_name("NAME,...")
      ->take_last()
      ->group(kInputAndOutput);
  app.add_flag("--quiet", common.quiet, "errors only")->group(kInputAndOutput);
  add_display_options(app, common);
}

}  // namespace

Command add_listen(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  arguments->common.options = transcribe::live_options();
  CLI::App* app = parent.add_subcommand("listen", "Write what is being said, while it is said.");
  add_source(*app, *arguments);
  add_fields(*app, arguments->common.layout, [](std::string_view) { return "Subtitles"; });
  add_transcribe_options(*app, arguments->common.options, arguments->common.temperature);
  add_session_options(*app, arguments->common.session);
  app->footer(
      "\nCtrl-C ends it; what was heard until then is written.\n"
      "\nExamples:\n"
      "  sotto listen --model base-int8 --language en\n"
      "  sotto listen pulse:default --model base-int8 -f srt,txt -o notes\n"
      "  arecord -t raw -f S16_LE -r 16000 | sotto listen - --model base-int8 --json-lines");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
