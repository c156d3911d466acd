#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/console.h"
#include "cli/field_options.h"
#include "sotto/data_set.h"
#include "sotto/recipe.h"
#include "sotto/transcribe.h"

namespace sotto::cli {

/// Exit status of a command whose model lost more words than it may.
inline constexpr int kStatusDropped = 4;

/// What every command is given.
struct Context {
  Console& console;
  std::stop_token stop;
  std::vector<std::string> command = {};  ///< its words as they were typed, without the program's name
};

/// A command and what runs it once its options are parsed; the result is the exit status.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

Command add_download(CLI::App& parent, const Context& context);
Command add_convert(CLI::App& parent, const Context& context);
Command add_calibrate(CLI::App& parent, const Context& context);
Command add_statistics(CLI::App& parent, const Context& context);
Command add_quantize(CLI::App& parent, const Context& context);
Command add_transcribe(CLI::App& parent, const Context& context);
Command add_listen(CLI::App& parent, const Context& context);
Command add_compare(CLI::App& parent, const Context& context);
Command add_benchmark(CLI::App& parent, const Context& context);
Command add_info(CLI::App& parent, const Context& context);

/// openai-whisper's two options that together say which temperatures are tried.
struct TemperatureOptions {
  double temperature = 0.0;
  double increment_on_fallback = 0.2;  ///< infinite: no fallback
};

/// temperature, temperature + increment, ... up to 1 (openai/whisper 20250625, transcribe.py, cli).
std::vector<double> temperatures(const TemperatureOptions& options);

/// Adds what is heard, the decoding and the fallback options of a transcription.
void add_transcribe_options(CLI::App& app,
                            transcribe::TranscribeOptions& options,
                            TemperatureOptions& temperature);

/// Refuses what is out of range, and puts codes for language names and "auto" for none. Throws
/// Error(invalid_argument).
void finish(transcribe::TranscribeOptions& options, const TemperatureOptions& temperature);

/// The same for a command whose temperatures are not options.
void finish_language(transcribe::TranscribeOptions& options);

inline constexpr const char* kSpeechHelp =
    "speech: a folder, a .tsv, .csv or .jsonl table, or a .tar archive, also at an http(s) URL";

/// Adds --config, which sets `options` from a JSON file. Before all other options, for they are read in this
/// order and the later one counts.
void add_config(CLI::App& app, QuantizeWhisperOptions& options);

/// Adds --samples, 0 where it is not given, and in the same group which utterances of calibration speech are
/// taken.
void add_samples(CLI::App& app, int& samples, evaluate::DataOptions& data);
/// What must be known of that speech.
std::string calibration_group(std::string_view field_name);

/// Says what of speech was left out; a set must not become smaller unseen.
void warn_of_skipped(Console& console, const std::vector<std::string>& skipped);

/// The environment's network options where `source` is a URL.
hub::HubOptions network_of(const std::string& source);

/// Adds --device, --inference-precision and --threads.
void add_session_options(CLI::App& app, transcribe::SessionOptions& options);

/// The directory or file `name_or_path` is, or that the model of that name has in the hub's cache, fetched if
/// it must be. The environment says where the hub and its cache are, as huggingface_hub reads it.
/// `cache` takes its cache's place unless empty; `offline`: nobody is asked.
std::filesystem::path find_model(const std::string& name_or_path,
                                 const Context& context,
                                 const std::string& cache = "",
                                 bool offline = false);

/// "12.3 MB"
std::string megabytes(std::uintmax_t bytes);

}  // namespace sotto::cli
