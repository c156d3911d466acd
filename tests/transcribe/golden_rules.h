#pragma once

#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/json_file.h"
#include "sotto/transcribe.h"
#include "support/temp_dir.h"

namespace sotto::test {

/// tests/golden/transcribe/rules.json, written by make_rules.py from openai-whisper.
inline const nlohmann::json& golden_rules() {
  static const nlohmann::json goldens =
      read_json_object(source_dir() / "tests" / "golden" / "transcribe" / "rules.json");
  return goldens;
}

/// Options under the reference's names; a threshold of None is infinite here.
inline transcribe::TranscribeOptions golden_options(const nlohmann::json& json) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  transcribe::TranscribeOptions o;
  o.temperatures = {0.0};
  o.logprob_threshold = -10.0;
  o.task = json.value("task", "transcribe") == "translate" ? transcribe::Task::translate : o.task;
  o.beam_size = json.value("beam_size", o.beam_size);
  o.best_of = json.value("best_of", o.best_of);
  o.temperatures = json.value("temperature", o.temperatures);
  o.patience = json.value("patience", o.patience);
  if (json.contains("length_penalty")) {
    o.length_penalty = json["length_penalty"].get<double>();
  }
  o.without_timestamps = json.value("without_timestamps", o.without_timestamps);
  o.suppress_blank = json.value("suppress_blank", o.suppress_blank);
  o.suppress_tokens = json.value("suppress_tokens", o.suppress_tokens);
  o.max_initial_timestamp = json.value("max_initial_timestamp", o.max_initial_timestamp);
  o.sample_len = json.value("sample_len", o.sample_len);
  o.prefix = json.value("prefix", o.prefix);
  o.condition_on_previous_text = json.value("condition_on_previous_text", o.condition_on_previous_text);
  o.initial_prompt = json.value("initial_prompt", o.initial_prompt);
  o.carry_initial_prompt = json.value("carry_initial_prompt", o.carry_initial_prompt);
  o.clip_timestamps = json.value("clip_timestamps", o.clip_timestamps);
  o.word_timestamps = json.value("word_timestamps", o.word_timestamps);
  o.prepend_punctuations = json.value("prepend_punctuations", o.prepend_punctuations);
  o.append_punctuations = json.value("append_punctuations", o.append_punctuations);
  if (json.contains("hallucination_silence_threshold")) {
    o.hallucination_silence_threshold = json["hallucination_silence_threshold"].get<double>();
  }
  o.compression_ratio_threshold = json.value("compression_ratio_threshold", o.compression_ratio_threshold);
  const auto threshold = [&](const char* name, double fallback, double none) {
    return !json.contains(name) ? fallback : json[name].is_null() ? none : json[name].get<double>();
  };
  o.no_speech_threshold = threshold("no_speech_threshold", o.no_speech_threshold, kInfinity);
  o.logprob_threshold = threshold("logprob_threshold", o.logprob_threshold, -kInfinity);
  return o;
}

}  // namespace sotto::test
