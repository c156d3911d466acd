#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sotto/transcribe.h"
#include "support/expect_error.h"

namespace sotto::transcribe {
namespace {

void expect_refused(const TranscribeOptions& options, const std::string& message) {
  test::expect_error([&] { validate(options); }, ErrorCode::invalid_argument, message);
}

TEST(Validate, AcceptsTheDefaultsAndGatesThatAreOff) {
  validate({});
  TranscribeOptions options;
  options.logprob_threshold = -std::numeric_limits<double>::infinity();
  options.compression_ratio_threshold = std::numeric_limits<double>::infinity();
  options.beam_size = 5;
  options.patience = 2.0;
  options.length_penalty = 1.0;
  options.language = "German";
  options.clip_timestamps = {0.0, 1.5, 1.5};
  validate(options);
}

TEST(Validate, NamesTheOptionAndItsRange) {
  expect_refused({.temperatures = {}}, "temperature: expected at least one");
  expect_refused({.temperatures = {0.0, -0.2}}, "temperature: expected 0 to 10, found -0.2.");
  expect_refused({.temperatures = {std::nan("")}}, "temperature: expected");
  expect_refused({.beam_size = -1}, "beam_size: expected 0 to 100, found -1.");
  expect_refused({.best_of = 0}, "best_of: expected 1 to 100, found 0.");
  expect_refused({.patience = 2.0}, "patience: is of use with beam_size only");
  expect_refused({.beam_size = 2, .patience = 0.1}, "patience: expected beam_size * patience of at least 1.");
  expect_refused({.length_penalty = 1.5}, "length_penalty: expected 0 to 1, found 1.5.");
  expect_refused({.compression_ratio_threshold = std::nan("")}, "compression_ratio_threshold");
  expect_refused({.logprob_threshold = std::nan("")}, "logprob_threshold");
  expect_refused({.no_speech_threshold = std::nan("")}, "no_speech_threshold");
  expect_refused({.max_initial_timestamp = -1.0}, "max_initial_timestamp: expected 0 to 30, found -1.");
  expect_refused({.suppress_tokens = {-2}}, "suppress_tokens");
  expect_refused({.sample_len = -1}, "sample_len");
}

TEST(Validate, RefusesClipsThatGoBack) {
  expect_refused({.clip_timestamps = {3.0, 2.0}},
                 "clip_timestamps: expected ascending seconds from 0 on, found 2 after 3.");
  expect_refused({.clip_timestamps = {-1.0}}, "clip_timestamps");
  expect_refused({.clip_timestamps = {std::nan("")}}, "clip_timestamps");
}

TEST(Validate, SkipsHallucinationsByTheTimesOfWordsOnly) {
  expect_refused({.hallucination_silence_threshold = 1.0},
                 "hallucination_silence_threshold: needs word_timestamps.");
  expect_refused({.word_timestamps = true, .hallucination_silence_threshold = -1.0}, "expected 0 to");
}

TEST(Validate, RefusesLanguagesAndTasksThereAreNot) {
  expect_refused({.language = "klingon"}, "klingon");
  expect_refused({.language = ""}, "language");
  expect_refused({.languages = {"de", "xx"}}, "languages: expected a language Whisper knows, found \"xx\"");
  expect_refused({.task = static_cast<Task>(7)}, "task: expected transcribe or translate.");
}

}  // namespace
}  // namespace sotto::transcribe
