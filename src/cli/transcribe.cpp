#include <algorithm>
#include <cctype>
#include <chrono>
#include <map>
#include <memory>
#include <set>

#include <unistd.h>

#include "cli/command.h"
#include "core/atomic_file.h"
#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/model.h"
#include "sotto/subtitles.h"
#include "sotto/text.h"

namespace sotto::cli {
namespace fs = std::filesystem;
namespace {

struct Arguments {
  std::vector<std::string> inputs;
  std::string model;
  std::string output_dir = ".";
  std::string output_format;
  bool to_stdout = false;
  bool verbose = true;
  bool quiet = false;
  transcribe::TranscribeOptions options;
  TemperatureOptions temperature;
  transcribe::SessionOptions session;
};

/// "00:01.500", with hours once there are any, as openai-whisper shows it.
std::string clock_time(double seconds) {
  const long ms = std::lround(std::max(seconds, 0.0) * 1000.0);
  const std::string hours = ms >= 3'600'000 ? fmt::format("{:02}:", ms / 3'600'000) : "";
  return fmt::format("{}{:02}:{:02}.{:03}", hours, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

std::string segment_line(const transcribe::Segment& segment) {
  const std::size_t first = segment.text.find_first_not_of(' ');
  const std::string text = first == std::string::npos ? "" : segment.text.substr(first);
  return fmt::format("[{} --> {}] {}", clock_time(segment.start_s), clock_time(segment.end_s), text);
}

/// "English" for "en".
std::string language_title(const std::string& code) {
  std::string name(text::language_name(code));
  if (!name.empty()) {
    name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
  }
  return name;
}

/// "srt,txt" → both formats, "all" → all.
std::vector<subtitles::Format> parse_formats(std::string_view names) {
  std::vector<subtitles::Format> formats;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    if (name == "all") {
      return subtitles::all_formats();
    }
    const subtitles::Format format = subtitles::parse_format(name);
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) {
      formats.push_back(format);
    }
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return formats;
}

std::vector<subtitles::Format> chosen_formats(const Arguments& arguments) {
  if (!arguments.to_stdout) {
    return parse_formats(arguments.output_format.empty() ? "all" : arguments.output_format);
  }
  const auto formats = parse_formats(arguments.output_format.empty() ? "txt" : arguments.output_format);
  if (formats.size() != 1) {
    throw Error(ErrorCode::invalid_argument, "--stdout",
                fmt::format("expected one --output-format, found \"{}\".", arguments.output_format));
  }
  return formats;
}

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

/// Before the work, not after it.
void prepare_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || !fs::is_directory(directory)) {
    throw Error(
        ErrorCode::io, directory.string(),
        fmt::format("expected a directory to write to: {}.", error ? error.message() : "found a file"));
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorCode::io, directory.string(), "expected a directory to write to: no permission.");
  }
}

/// Transcribes files one after the other with one model.
class Job {
 public:
  Job(const Arguments& arguments, const Context& context, std::vector<subtitles::Format> formats)
      : arguments_(arguments),
        console_(context.console),
        stop_(context.stop),
        formats_(std::move(formats)),
        transcriber_(load(find_model(arguments.model, context)), arguments.session) {}

  /// One file's error does not keep the others from being heard; the first one decides the exit status.
  int run() {
    int status = 0;
    for (const std::string& input : arguments_.inputs) {
      try {
        transcribe_file(input);
      } catch (const Error& e) {
        if (e.code() == ErrorCode::cancelled || console_.is_broken()) {
          throw;
        }
        console_.error(e.what());
        status = status == 0 ? exit_code(e.code()) : status;
      }
    }
    return status;
  }

 private:
  static model::WhisperModel load(const fs::path& model) {
    return model::is_ir_directory(model) ? model::load(model) : model::build(model);
  }

  void transcribe_file(const std::string& input) {
    console_.hold_warnings();
    const auto source = audio::open_media(input);
    transcribe::Listeners listeners;
    if (arguments_.verbose && !arguments_.to_stdout) {
      listeners.on_segment = [this](const transcribe::Segment& segment) {
        console_.print(segment_line(segment));
      };
    }
    const auto start = std::chrono::steady_clock::now();
    const auto heard =
        transcriber_.transcribe(*source, arguments_.options, listeners, console_.progress(stop_));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    deliver(input, heard, seconds);
    console_.release_warnings();
  }

  void deliver(const std::string& input, const transcribe::Transcription& heard, double seconds) {
    if (heard.duration_s <= 0.0) {
      throw Error(ErrorCode::bad_format, input, "expected sound, found an audio stream without a sample.");
    }
    if (arguments_.to_stdout) {
      console_.write(subtitles::write(heard, formats_.front()));
      return;
    }
    std::string written;
    for (const subtitles::Format format : formats_) {
      const fs::path path = output_path(input, format);
      write_file_atomically(path, subtitles::write(heard, format));
      written += " " + path.string();
    }
    console_.print(fmt::format("{}: {}, {:.1f} s of audio in {:.1f} s ->{}", input,
                               language_title(heard.language), heard.duration_s, seconds, written));
  }

  fs::path output_path(const fs::path& input, subtitles::Format format) const {
    fs::path name = input.stem();
    name += fmt::format(".{}", subtitles::extension(format));
    return fs::path(arguments_.output_dir) / name;
  }

  const Arguments& arguments_;
  Console& console_;
  std::stop_token stop_;
  std::vector<subtitles::Format> formats_;
  transcribe::Transcriber transcriber_;
};

int run(Arguments& arguments, const Context& context) {
  finish(arguments.options, arguments.temperature);
  context.console.set_quiet(arguments.quiet);
  std::vector<subtitles::Format> formats = chosen_formats(arguments);
  if (!arguments.to_stdout) {
    refuse_same_names(arguments.inputs);
    prepare_output_directory(arguments.output_dir);
  }
  return Job(arguments, context, std::move(formats)).run();
}

void add_files(CLI::App& app, Arguments& arguments) {
  constexpr const char* kGroup = "Input and output";
  app.add_option("FILE", arguments.inputs, "audio or video, anything FFmpeg reads")->required();
  app.add_option("--model", arguments.model,
                 "OpenVINO model directory, or a checkpoint or a hub's name (converted in memory)")
      ->type_name("DIR")
      ->required()
      ->group(kGroup);
  app.add_option("-o,--output-dir", arguments.output_dir, "where outputs are written (default .)")
      ->type_name("DIR")
      ->group(kGroup);
  app.add_option("-f,--output-format", arguments.output_format,
                 "all, or some of txt,srt,vtt,tsv,json (default all; with --stdout txt)")
      ->type_name("NAME,...")
      ->group(kGroup);
  app.add_flag("--stdout", arguments.to_stdout, "write the output to standard output, and nothing else")
      ->group(kGroup);
  add_field(app, {"verbose", "show segments as they are heard"}, "--verbose", arguments.verbose)
      ->group(kGroup);
  app.add_flag("--quiet", arguments.quiet, "no segments, no progress; errors only")->group(kGroup);
}

}  // namespace

Command add_transcribe(CLI::App& parent, const Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app =
      parent.add_subcommand("transcribe", "Write what is said in audio or video as subtitles or text.");
  add_files(*app, *arguments);
  add_transcribe_options(*app, arguments->options, arguments->temperature);
  add_session_options(*app, arguments->session);
  app->footer(
      "\nopenai-whisper's spellings are accepted: --output_dir, --verbose False, None.\n"
      "\nExamples:\n"
      "  sotto transcribe talk.mp4 --model base-int8 --output-format srt\n"
      "  sotto transcribe *.mp3 --model base-int8 --language German -o subtitles\n"
      "  sotto transcribe call.wav --model base-int8 --stdout > call.txt");
  return {app, [arguments, context] { return run(*arguments, context); }};
}

}  // namespace sotto::cli
