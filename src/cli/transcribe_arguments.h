#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "sotto/subtitles.h"
#include "sotto/transcribe.h"

namespace sotto::cli {

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
  std::string output_format;
  bool to_stdout = false;
  bool verbose = true;
  bool quiet = false;
  bool print_colors = false;
  bool json_lines = false;
  bool resume = false;
  bool words_if_possible = false;  ///< word times are wanted for the layout's sake, not asked for
  transcribe::TranscribeOptions options;
  TemperatureOptions temperature;
  subtitles::LayoutOptions layout;
  transcribe::SessionOptions session;
};

}  // namespace sotto::cli
