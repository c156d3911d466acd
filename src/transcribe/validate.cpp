#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "sotto/audio.h"
#include "sotto/error.h"
#include "sotto/text.h"
#include "sotto/transcribe.h"

namespace sotto::transcribe {
namespace {

constexpr int kMostRows = 100;    // beams or samples: more than anybody uses, few enough for memory
constexpr int kMostWindows = 64;  // together: their cross-attention state fits in memory
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename T>
void expect_between(std::string_view option, T value, T low, T high) {
  if (!(value >= low && value <= high)) {  // so written that NaN fails
    throw Error(ErrorCode::invalid_argument, option,
                fmt::format("expected {} to {}, found {}.", low, high, value));
  }
}

void expect(bool holds, std::string_view option, std::string_view what) {
  if (!holds) {
    throw Error(ErrorCode::invalid_argument, option, what);
  }
}

void validate_detection(const TranscribeOptions& o) {
  for (const std::string& language : o.languages) {
    text::language_code(language, "languages");
  }
  expect_between("language_detection_segments", o.language_detection_segments, 1, 20);
  expect_between("language_detection_threshold", o.language_detection_threshold, 0.0, 1.0);
}

void validate_vad(const TranscribeOptions& o) {
  expect_between("vad_threshold", o.vad_threshold, 0.0, 1.0);
  if (o.vad_neg_threshold) {
    expect_between("vad_neg_threshold", *o.vad_neg_threshold, 0.0, 1.0);
  }
  expect_between("vad_min_speech_duration_ms", o.vad_min_speech_duration_ms, 0, 1'000'000);
  expect_between("vad_max_speech_duration_s", o.vad_max_speech_duration_s, 1.0, 30.0);
  expect_between("vad_min_silence_duration_ms", o.vad_min_silence_duration_ms, 0, 1'000'000);
  expect_between("vad_speech_pad_ms", o.vad_speech_pad_ms, 0, 1'000'000);
}

void validate_search(const TranscribeOptions& o) {
  expect(!o.temperatures.empty(), "temperature", "expected at least one, found none.");
  for (const double temperature : o.temperatures) {
    expect_between("temperature", temperature, 0.0, 10.0);
  }
  expect_between("beam_size", o.beam_size, 0, kMostRows);
  expect_between("best_of", o.best_of, 1, kMostRows);
  expect_between("patience", o.patience, 0.0, 100.0);
  expect(o.beam_size > 0 || o.patience == 1.0, "patience", "is of use with beam_size only, which is 0.");
  expect(o.beam_size == 0 || std::nearbyint(o.beam_size * o.patience) >= 1.0, "patience",
         "expected beam_size * patience of at least 1.");
  if (o.length_penalty) {
    expect_between("length_penalty", *o.length_penalty, 0.0, 1.0);
  }
}

void validate_rules(const TranscribeOptions& o) {
  expect_between("max_initial_timestamp", o.max_initial_timestamp, 0.0, static_cast<double>(audio::kWindowS));
  expect_between("repetition_penalty", o.repetition_penalty, 0.01, 100.0);
  expect_between("no_repeat_ngram_size", o.no_repeat_ngram_size, 0, 1000);
  expect_between("max_loop", o.max_loop, 0, 1000);
  expect_between("batch_size", o.batch_size, 0, kMostWindows);
  expect_between("sample_len", o.sample_len, 0, std::numeric_limits<int>::max());
  for (const int id : o.suppress_tokens) {
    expect_between("suppress_tokens", id, -1, std::numeric_limits<int>::max());
  }
}

void validate_gates(const TranscribeOptions& o) {
  expect_between("compression_ratio_threshold", o.compression_ratio_threshold, -kInfinity, kInfinity);
  expect_between("logprob_threshold", o.logprob_threshold, -kInfinity, kInfinity);
  expect_between("no_speech_threshold", o.no_speech_threshold, -kInfinity, kInfinity);
  expect_between("prompt_reset_on_temperature", o.prompt_reset_on_temperature, -kInfinity, kInfinity);
}

void validate_words(const TranscribeOptions& o) {
  if (o.hallucination_silence_threshold) {
    expect_between("hallucination_silence_threshold", *o.hallucination_silence_threshold, 0.0, kInfinity);
    expect(o.word_timestamps, "hallucination_silence_threshold", "needs word_timestamps.");
  }
}

void validate_clips(const TranscribeOptions& o) {
  double previous_s = 0.0;
  for (const double clip_s : o.clip_timestamps) {
    expect(std::isfinite(clip_s) && clip_s >= previous_s, "clip_timestamps",
           fmt::format("expected ascending seconds from 0 on, found {} after {}.", clip_s, previous_s));
    previous_s = clip_s;
  }
}

}  // namespace

void validate(const TranscribeOptions& options) {
  expect(options.task == Task::transcribe || options.task == Task::translate, "task",
         "expected transcribe or translate.");
  if (options.language != kAutoLanguage) {
    text::language_code(options.language);
  }
  validate_detection(options);
  validate_search(options);
  validate_rules(options);
  validate_gates(options);
  validate_clips(options);
  validate_vad(options);
  validate_words(options);
}

}  // namespace sotto::transcribe
