#include "cli/command.h"

#include <array>
#include <cmath>
#include <map>

#include "cli/hub_environment.h"
#include "sotto/hub.h"
#include "sotto/text.h"

namespace sotto::cli {
namespace {

/// Where help shows a transcription option; those not named are decoding rules.
std::string transcribe_group(std::string_view field_name) {
  static const std::map<std::string_view, std::string> groups = {
      {"task", "What is heard"},
      {"language", "What is heard"},
      {"languages", "What is heard"},
      {"multilingual", "What is heard"},
      {"language_detection_segments", "What is heard"},
      {"language_detection_threshold", "What is heard"},
      {"initial_prompt", "What is heard"},
      {"carry_initial_prompt", "What is heard"},
      {"prefix", "What is heard"},
      {"clip_timestamps", "What is heard"},
      {"word_timestamps", "Words"},
      {"prepend_punctuations", "Words"},
      {"append_punctuations", "Words"},
      {"hallucination_silence_threshold", "Words"},
      {"condition_on_previous_text", "What is heard"},
      {"without_timestamps", "What is heard"},
      {"temperatures", ""},  // openai-whisper's two options stand for it
      {"compression_ratio_threshold", "Fallback to higher temperatures"},
      {"logprob_threshold", "Fallback to higher temperatures"},
      {"no_speech_threshold", "Fallback to higher temperatures"},
      {"prompt_reset_on_temperature", "Fallback to higher temperatures"},
      {"best_of", "Fallback to higher temperatures"},
      {"vad_filter", "Speech"},
      {"vad_threshold", "Speech"},
      {"vad_neg_threshold", "Speech"},
      {"vad_min_speech_duration_ms", "Speech"},
      {"vad_max_speech_duration_s", "Speech"},
      {"vad_min_silence_duration_ms", "Speech"},
      {"vad_speech_pad_ms", "Speech"},
      {"max_loop", "Fallback to higher temperatures"},
      {"hotwords", "What is heard"},
      {"seed", "Fallback to higher temperatures"},
  };
  const auto found = groups.find(field_name);
  return found == groups.end() ? "Decoding" : found->second;
}

}  // namespace

std::vector<double> temperatures(const TemperatureOptions& options) {
  std::vector<double> tried = {options.temperature};
  constexpr double kRounding = 1e-6;
  if (std::isfinite(options.increment_on_fallback)) {
    for (int i = 1; options.temperature + i * options.increment_on_fallback < 1.0 + kRounding; ++i) {
      tried.push_back(options.temperature + i * options.increment_on_fallback);
    }
  }
  return tried;
}

void add_transcribe_options(CLI::App& app,
                            transcribe::TranscribeOptions& options,
                            TemperatureOptions& temperature) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  add_fields(app, options, transcribe_group);
  app.get_option("--languages")->delimiter(',');
  const auto add = [&app](const Field& field, double& value) {
    add_field(app, field, option_name(field.name), value)->group("Fallback to higher temperatures");
  };
  add(Field{"temperature", "the first one tried; 0 is greedy or beam search", 0, 10},
      temperature.temperature);
  add(Field{"temperature_increment_on_fallback", "added until 1 while results fail; None: no fallback", 0.01,
            10, kInfinity},
      temperature.increment_on_fallback);
}

void finish(transcribe::TranscribeOptions& options, const TemperatureOptions& temperature) {
  options.temperatures = temperatures(temperature);
  finish_language(options);
}

void finish_language(transcribe::TranscribeOptions& options) {
  if (is_none(options.language) || same_word(options.language, transcribe::kAutoLanguage)) {
    options.language = transcribe::kAutoLanguage;
  } else {
    options.language = text::language_code(options.language);
  }
  for (std::string& language : options.languages) {
    language = text::language_code(language, "languages");
  }
  transcribe::validate(options);
}

void add_config(CLI::App& app, QuantizeWhisperOptions& options) {
  app.add_option_function<std::string>(
         "--config", [&options](const std::string& path) { read_config(path, options); },
         "JSON file of options; those given here count more")
      ->type_name("FILE");
}

void add_samples(CLI::App& app, int& samples, evaluate::DataOptions& data) {
  const Field field{"samples", "utterances to calibrate with", 1, 1e6};
  add_field(app, field, "--samples,--take", samples)
      ->description("utterances to calibrate with (1 to 1000000; default 30)")
      ->group("Calibration");
  add_fields(app, data, [](std::string_view name) { return name == "take" ? "" : "Calibration"; });
}

void warn_of_skipped(Console& console, const std::vector<std::string>& skipped) {
  constexpr std::size_t kMostShown = 5;
  for (std::size_t i = 0; i < std::min(skipped.size(), kMostShown); ++i) {
    console.warn(skipped[i]);
  }
  if (skipped.size() > kMostShown) {
    console.warn(fmt::format("{} more could not be used", skipped.size() - kMostShown));
  }
}

hub::HubOptions network_of(const std::string& source) {
  return source.starts_with("http") ? hub_options() : hub::HubOptions();
}

std::string calibration_group(std::string_view field_name) {
  constexpr std::array kAsked = {"task", "language", "temperatures", "beam_size", "sample_len"};
  return std::ranges::find(kAsked, field_name) != kAsked.end() ? "Calibration" : "";
}

void add_session_options(CLI::App& app, transcribe::SessionOptions& options) {
  add_fields(app, options, [](std::string_view) { return "Where it runs"; });
}

std::filesystem::path find_model(const std::string& name_or_path,
                                 const Context& context,
                                 const std::string& cache,
                                 bool offline) {
  std::error_code error;
  if (std::filesystem::exists(name_or_path, error)) {
    return name_or_path;  // nothing of the environment matters then
  }
  hub::HubOptions options = hub_options();
  if (!cache.empty()) {
    options.cache = cache;
  }
  options.offline = options.offline || offline;
  return hub::resolve_model(name_or_path, options, context.console.progress(context.stop));
}

std::string megabytes(std::uintmax_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace sotto::cli
