#include "cli/application.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/field_text.h"
#include "cli/help_formatter.h"
#include "cli/spellings.h"
#include "sotto/error.h"
#include "sotto/evaluate.h"
#include "sotto/log.h"

namespace sotto::cli {
namespace {

constexpr const char* kFooter =
    "\nEach command has its own --help.\n"
    "\nExamples:\n"
    "  sotto convert whisper-base -o base-fp16\n"
    "  sotto quantize base-fp16 -o base-int8 --calibration LibriSpeech/dev-clean\n"
    "  sotto transcribe talk.mp4 --model base-int8 --output-format srt\n"
    "  sotto compare base-fp16 base-int8 --test LibriSpeech/test-clean --take 100\n"
    "\nExit status: 0 done, 1 the input cannot be used, 2 the call is wrong, 3 the\n"
    "surroundings failed (disk, permission), 130 stopped by Ctrl-C.";

std::string version_text() {
  const evaluate::Environment environment = evaluate::environment();
  return fmt::format("sotto {}\nOpenVINO {}", environment.sotto_version, environment.openvino_version);
}

/// True if `option` is one without a value of the command or of a command within it.
bool is_flag_of(const CLI::App& app, const std::string& option) {
  const CLI::Option* found = app.get_option_no_throw(option);
  const auto inner = app.get_subcommands({});
  return (found != nullptr && found->get_items_expected_max() == 0) ||
         std::ranges::any_of(inner, [&](const CLI::App* a) { return is_flag_of(*a, option); });
}

/// The command line with every command.
class Application {
 public:
  explicit Application(const Context& context) {
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.get_formatter()->label("Subcommands", "Commands");
    app_.get_formatter()->label("Positionals", "Arguments");
    app_.set_help_flag("-h,--help", "show this help and leave");
    app_.set_version_flag("--version", version_text, "show the versions of sotto and OpenVINO and leave");
    app_.footer(kFooter);
    for (const auto add : {add_download, add_convert, add_quantize, add_calibrate, add_statistics,
                           add_transcribe, add_listen, add_compare, add_benchmark, add_info}) {
      commands_.push_back(add(app_, context));
      commands_.back().app->group("Commands");
    }
  }

  int run(const std::vector<std::string>& arguments) {
    std::vector<std::string> reversed =
        normalize_arguments(arguments, [this](const std::string& option) { return is_flag(option); });
    expect_command(reversed);
    if (!reversed.empty() && (reversed.front() == "transcribe" || reversed.front() == "listen")) {
      reversed = translate_spellings(reversed);
    }
    std::reverse(reversed.begin(), reversed.end());  // as CLI11 takes them
    app_.parse(std::move(reversed));
    for (const Command& command : commands_) {
      if (command.app->parsed()) {
        return command.run();
      }
    }
    throw Error(ErrorCode::invalid_argument, "arguments", "expected a command, found none. " + help_hint());
  }

  std::string help() const { return app_.help(); }

  /// What the library says of a field of its options, said of the option as it is typed here.
  std::string spoken(const Error& error) const {
    const std::string text = error.what();
    const std::string field = text.substr(0, text.find(": "));
    const std::string option = option_name(field);
    const auto chosen = app_.get_subcommands();
    const bool is_of_call =
        error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::not_found;
    const bool is_option =
        is_of_call && !chosen.empty() && chosen.front()->get_option_no_throw(option) != nullptr;
    return is_option ? option + text.substr(field.size()) : text;
  }

  /// "sotto transcribe --help" where a command was named.
  std::string help_hint() const {
    const auto chosen = app_.get_subcommands();
    return fmt::format("See sotto{} --help.", chosen.empty() ? "" : " " + chosen.front()->get_name());
  }

 private:
  /// openai-whisper and whisper.cpp have no commands: who comes from there names a file first.
  void expect_command(const std::vector<std::string>& arguments) const {
    const std::string first = arguments.empty() ? "-" : arguments.front();
    const auto is_first = [&](const Command& command) { return command.app->get_name() == first; };
    if (!first.starts_with("-") && std::none_of(commands_.begin(), commands_.end(), is_first)) {
      throw Error(
          ErrorCode::invalid_argument, "arguments",
          fmt::format("expected a command, found {}; sotto transcribe hears files. {}", first, help_hint()));
    }
  }

  bool is_flag(const std::string& option) const {
    return std::any_of(commands_.begin(), commands_.end(),
                       [&](const Command& command) { return is_flag_of(*command.app, option); });
  }

  CLI::App app_{"Calibrated INT8 Whisper on OpenVINO: convert, quantize, transcribe, compare.", "sotto"};
  std::vector<Command> commands_;
};

/// CLI11's message as one sentence with a full stop.
std::string sentence(std::string text) {
  while (!text.empty() && (text.back() == '.' || text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text + ".";
}

int run_reporting_usage(const std::vector<std::string>& arguments, Console& console, const Context& context) {
  Application application(context);
  try {
    return application.run(arguments);
  } catch (const CLI::CallForHelp&) {
    console.write(application.help());
    return 0;
  } catch (const CLI::CallForVersion& e) {
    console.write(std::string(e.what()) + "\n");
    return 0;
  } catch (const CLI::ParseError& e) {
    throw Error(ErrorCode::invalid_argument, "arguments", sentence(e.what()) + " " + application.help_hint());
  } catch (const Error& e) {
    console.error(application.spoken(e));
    return exit_code(e.code());
  }
}

}  // namespace

int run_application(const std::vector<std::string>& arguments, Console& console, std::stop_token stop) {
  set_log_callback([&console](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) {
      console.warn(line);
    }
  });
  int status = exit_code(ErrorCode::internal);
  try {
    status = run_reporting_usage(arguments, console, {console, stop, arguments});
  } catch (const Error& e) {
    console.error(e.what());
    status = exit_code(e.code());
  } catch (const std::bad_alloc&) {
    console.error("memory: not enough of it.");
  } catch (const std::exception& e) {
    console.error(fmt::format("internal: {}", e.what()));
  }
  set_log_callback({});
  return status;
}

}  // namespace sotto::cli
