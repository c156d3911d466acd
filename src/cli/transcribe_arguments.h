#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "sotto/subtitles.h"
#include "sotto/transcribe.h"

namespace sotto::cli {

/// Where the help shows the options that follow.
inline constexpr const char* kInputAndOutput = "Input and output";

/// What `sotto transcribe` was asked to do.
struct TranscribeArguments {
  std::vector<std::string> inputs;
  std::string model = "turbo";  // openai-whisper's
  std::string model_dir;
  bool local_files_only = false;
  bool allow_local_urls = false;
  bool fp16 = true;
  bool mux = false;
  bool burn = false;
  std::string output_dir = ".";
  std::string output_name;  ///< empty: the input's
  std::string output_format;
  bool to_stdout = false;
  bool verbose = true;
  bool quiet = false;
  bool print_colors = false;
  bool json_lines = false;
  bool resume = false;
  bool check_batch = false;
  bool words_if_possible = false;  ///< word times are wanted for the layout's sake, not asked for
  transcribe::TranscribeOptions options;
  TemperatureOptions temperature;
  subtitles::LayoutOptions layout;
  transcribe::SessionOptions session;
};

/// The options that `sotto transcribe` and `sotto listen` have in common beside fields: --model;
/// --output-dir; --print-colors and --json-lines.
void add_model_option(CLI::App& app, TranscribeArguments& arguments);
void add_output_directory_option(CLI::App& app, TranscribeArguments& arguments);
void add_display_options(CLI::App& app, TranscribeArguments& arguments);

}  // namespace sotto::cli
