// A random Whisper (tests/golden/transcribe/make_tiny.py) from samples to segments.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openvino/runtime/infer_request.hpp>

#include "core/json_file.h"
#include "sotto/transcribe.h"
#include "support/expect_error.h"
#include "transcribe/parity.h"
#include "transcribe/tiny_model.h"

namespace sotto::transcribe {
namespace {

using test::tiny_directory;
using test::tiny_model;

Transcriber tiny_transcriber() {
  return Transcriber(tiny_model(), {.inference_precision = "f32", .threads = 2});
}

/// No gate and short windows, as the goldens were made.
TranscribeOptions golden_tiny_options(const nlohmann::json& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  TranscribeOptions o = test::golden_options(options);
  o.sample_len = 24;
  o.logprob_threshold = -kInfinity;
  o.no_speech_threshold = kInfinity;
  o.compression_ratio_threshold = kInfinity;
  return o;
}

TranscribeOptions quick() {
  return golden_tiny_options(nlohmann::json::object());
}

std::unique_ptr<audio::AudioSource> tone(double seconds) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * audio::kSampleRateHz));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(i % 40) / 80.0F;
  }
  return audio::from_samples(std::move(samples));
}

TEST(Transcriber, TranscribesWhatOpenAiWhisperTranscribes) {
  Transcriber transcriber = tiny_transcriber();
  const nlohmann::json goldens = read_json_object(tiny_directory() / "golden.json");
  for (const auto& golden : goldens.at("cases")) {
    test::expect_parity(transcriber, golden, golden_tiny_options(golden.at("options")));
  }
}

TEST(Transcriber, TellsEveryInferenceAndCountsThem) {
  Transcriber transcriber = tiny_transcriber();
  std::size_t n_encoder = 0;
  std::size_t n_decoder = 0;
  const Listeners listeners{.on_segment = {},
                            .on_inference = [&](Stage stage, ov::InferRequest& request, double seconds) {
                              EXPECT_GT(seconds, 0.0);
                              const char* output = stage == Stage::encoder ? "last_hidden_state" : "logits";
                              EXPECT_GT(request.get_tensor(output).get_size(), 0U);
                              ++(stage == Stage::encoder ? n_encoder : n_decoder);
                            }};
  TranscribeOptions options = quick();
  options.without_timestamps = true;
  const Transcription got = transcriber.transcribe(*tone(31.0), options, listeners);
  EXPECT_EQ(n_encoder, 2U);  // the language is heard in the first window
  EXPECT_EQ(got.n_encoder_runs, n_encoder);
  EXPECT_EQ(got.n_decoder_runs, n_decoder);
  EXPECT_NEAR(got.duration_s, 31.0, 1e-9);
}

TEST(Transcriber, OfNoAudioSaysNothing) {
  Transcriber transcriber = tiny_transcriber();
  const auto source = audio::from_samples({});
  const Transcription got = transcriber.transcribe(*source, {});
  EXPECT_TRUE(got.segments.empty());
  EXPECT_EQ(got.text, "");
  EXPECT_EQ(got.duration_s, 0.0);
}

TEST(Transcriber, SamplesTheSameAgain) {
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.temperatures = {0.8};
  options.language = "en";
  const std::string first = transcriber.transcribe(*tone(35.0), options).text;
  EXPECT_EQ(transcriber.transcribe(*tone(35.0), options).text, first);
  options.seed = 1;
  EXPECT_NE(transcriber.transcribe(*tone(35.0), options).text, first);
}

/// 40 s of samples, then an error.
class BrokenSource final : public audio::AudioSource {
 public:
  std::size_t read(std::span<float> out) override {
    const std::size_t n = std::min(out.size(), kSamples - done_);
    if (n == 0) {
      throw Error(ErrorCode::bad_format, "a.flac", "the stream breaks off.");
    }
    std::fill_n(out.begin(), n, 0.1F);
    done_ += n;
    return n;
  }
  std::optional<double> duration_s() const override { return 60.0; }
  bool rewind() override {
    done_ = 0;
    return true;
  }

 private:
  static constexpr std::size_t kSamples = 40UL * audio::kSampleRateHz;
  std::size_t done_ = 0;
};

TEST(Transcriber, KeepsWhatItHeardBeforeTheAudioBreaksOff) {
  BrokenSource source;
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.without_timestamps = true;
  options.language = "en";
  std::vector<double> ends_s;
  const Listeners listeners{.on_segment = [&](const Segment& s) { ends_s.push_back(s.end_s); }};
  test::expect_error([&] { transcriber.transcribe(source, options, listeners); }, ErrorCode::bad_format,
                     "a.flac: the stream breaks off.");
  const auto whole = audio::from_samples(std::vector<float>(40UL * audio::kSampleRateHz, 0.1F));
  std::vector<double> expected_s;
  for (const Segment& segment : transcriber.transcribe(*whole, options).segments) {
    expected_s.push_back(segment.end_s);
  }
  EXPECT_FALSE(ends_s.empty());
  EXPECT_EQ(ends_s, expected_s);
}

TEST(Transcriber, DetectsLanguagesOfTheVocabulary) {
  Transcriber transcriber = tiny_transcriber();
  const auto mel = audio::log_mel_spectrogram(std::vector<float>(16000, 0.25F), 80);
  const auto got = transcriber.detect_language(mel);
  ASSERT_EQ(got.size(), 4U);
  double sum = 0.0;
  for (const auto& [code, probability] : got) {
    sum += probability;
  }
  EXPECT_NEAR(sum, 1.0, 1e-5);
}

TEST(Transcriber, ChoosesAmongTheLanguagesAskedFor) {
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.languages = {"fr"};
  options.language_detection_segments = 2;
  options.language_detection_threshold = 1.0;
  const Transcription got = transcriber.transcribe(*tone(31.0), options);
  EXPECT_EQ(got.language, "fr");
  EXPECT_NEAR(got.language_probability, 1.0, 1e-6);
  options.multilingual = true;
  for (const Segment& segment : transcriber.transcribe(*tone(31.0), options).segments) {
    EXPECT_EQ(segment.language, "fr");
  }
}

TEST(Transcriber, SaysTheSameWhateverTheBatch) {
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.batch_size = 2;
  options.word_timestamps = true;
  const Transcription two = transcriber.transcribe(*tone(100.0), options);
  options.batch_size = 5;
  const Transcription five = transcriber.transcribe(*tone(100.0), options);
  EXPECT_EQ(two.text, five.text);
  ASSERT_EQ(two.segments.size(), five.segments.size());
  ASSERT_GT(two.segments.size(), 3U);
  for (std::size_t i = 0; i < two.segments.size(); ++i) {
    EXPECT_EQ(two.segments[i].tokens, five.segments[i].tokens);
    EXPECT_EQ(two.segments[i].start_s, five.segments[i].start_s);
    EXPECT_NEAR(two.segments[i].avg_logprob, five.segments[i].avg_logprob, 1e-4);
  }
  EXPECT_GT(two.n_decoder_runs, five.n_decoder_runs);
}

/// Recordings for transcribe_all() that note what they are told.
struct Told {
  std::vector<std::string> events;
  std::vector<Transcription> heard;

  Recording recording(const std::string& name, std::function<Recording::Audio()> open) {
    const auto note = [this, name](const std::string& what) {
      if (events.empty() || events.back() != name + what) {
        events.push_back(name + what);
      }
    };
    return {.open = std::move(open),
            .on_begin = [note] { note(" begins"); },
            .listeners = {.on_segment = [note](const Segment&) { note(" says"); }},
            .on_finished =
                [this, note](Transcription got) {
                  note(" ends");
                  heard.push_back(std::move(got));
                },
            .on_failed = [note](const Error& e) { note(std::string(" fails: ") + e.what()); }};
  }

  /// Gives one recording after the other.
  static std::function<std::optional<Recording>()> all(std::vector<Recording> recordings) {
    return [recordings, i = std::size_t{0}]() mutable {
      return i < recordings.size() ? std::optional(recordings[i++]) : std::nullopt;
    };
  }
};

std::function<Recording::Audio()> opened_tone(double seconds) {
  return [seconds] { return Recording::Audio{tone(seconds)}; };
}

TEST(Transcriber, HearsRecordingsTogetherAsItHearsThemAlone) {
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.word_timestamps = true;
  const auto missing = []() -> Recording::Audio { throw Error(ErrorCode::not_found, "b", "is missing."); };
  for (const int batch_size : {1, 3}) {
    options.batch_size = batch_size;
    Told told;
    transcriber.transcribe_all(
        Told::all({told.recording("a", opened_tone(40.0)), told.recording("b", missing),
                   told.recording("c", [] { return Recording::Audio{std::make_unique<BrokenSource>()}; }),
                   told.recording("d", [] { return Recording::Audio{}; }),
                   told.recording("e", opened_tone(70.0)), told.recording("f", opened_tone(3.0))}),
        options);
    EXPECT_THAT(told.events, testing::ElementsAre(
                                 "a begins", "a says", "a ends", "b begins", "b fails: b: is missing.",
                                 "c begins", "c says", "c fails: a.flac: the stream breaks off.", "d begins",
                                 "d ends", "e begins", "e says", "e ends", "f begins", "f says", "f ends"));
    ASSERT_EQ(told.heard.size(), 4U);
    EXPECT_TRUE(told.heard[1].segments.empty());
    const std::vector<double> lengths_s = {40.0, 0.0, 70.0, 3.0};
    for (const std::size_t i : {0U, 2U, 3U}) {
      const Transcription alone = transcriber.transcribe(*tone(lengths_s[i]), options);
      EXPECT_EQ(told.heard[i].text, alone.text);
      EXPECT_EQ(told.heard[i].language, alone.language);
      EXPECT_NEAR(told.heard[i].duration_s, lengths_s[i], 1e-9);
      ASSERT_EQ(told.heard[i].segments.size(), alone.segments.size());
      for (std::size_t s = 0; s < alone.segments.size(); ++s) {
        EXPECT_EQ(told.heard[i].segments[s].tokens, alone.segments[s].tokens);
        EXPECT_EQ(told.heard[i].segments[s].start_s, alone.segments[s].start_s);
        EXPECT_EQ(told.heard[i].segments[s].words.size(), alone.segments[s].words.size());
      }
    }
  }
}

TEST(Transcriber, TellsWhatItHeardBeforeARecordingThatIsSlowToOpen) {
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.batch_size = 4;
  Told told;
  Recording second = told.recording("b", [&] {
    EXPECT_EQ(told.heard.size(), 1U);
    return Recording::Audio{tone(1.0)};
  });
  second.is_slow_to_open = true;
  transcriber.transcribe_all(Told::all({told.recording("a", opened_tone(1.0)), second}), options);
  EXPECT_EQ(told.heard.size(), 2U);
}

/// A tone that tells when it was read to its end, and on which thread.
class WatchedSource final : public audio::AudioSource {
 public:
  struct Watch {
    std::promise<std::thread::id> read_by{};
    bool is_told = false;
  };
  WatchedSource(double seconds, Watch& watch) : source_(tone(seconds)), watch_(watch) {}
  std::size_t read(std::span<float> out) override {
    const std::size_t n = source_->read(out);
    if (n == 0 && !std::exchange(watch_.is_told, true)) {
      watch_.read_by.set_value(std::this_thread::get_id());
    }
    return n;
  }
  std::optional<double> duration_s() const override { return source_->duration_s(); }
  bool rewind() override { return source_->rewind(); }

 private:
  std::unique_ptr<audio::AudioSource> source_;
  Watch& watch_;
};

TEST(Transcriber, ReadsTheNextRecordingOnAnotherThreadWhileOneIsHeard) {
  Transcriber transcriber = tiny_transcriber();
  for (const int batch_size : {1, 2}) {
    TranscribeOptions options = quick();
    options.batch_size = batch_size;
    Told told;
    WatchedSource::Watch watch;
    auto read_by = watch.read_by.get_future();
    Recording first = told.recording("a", opened_tone(70.0));
    first.listeners.on_segment = [&](const Segment&) {
      // It cannot be read after this one: this one waits for it.
      if (read_by.valid()) {
        ASSERT_EQ(read_by.wait_for(std::chrono::minutes(1)), std::future_status::ready);
        EXPECT_NE(read_by.get(), std::this_thread::get_id());
      }
    };
    Recording second =
        told.recording("b", [&] { return Recording::Audio{std::make_unique<WatchedSource>(40.0, watch)}; });
    transcriber.transcribe_all(Told::all({first, second}), options);
    EXPECT_FALSE(read_by.valid());
    EXPECT_EQ(told.heard.size(), 2U);
  }
}

TEST(Transcriber, HearsTheSameWhileAnotherOneHearsOnAnotherThread) {
  TranscribeOptions options = quick();
  options.word_timestamps = true;
  std::vector<Transcriber> transcribers;
  transcribers.push_back(tiny_transcriber());
  transcribers.push_back(tiny_transcriber());
  const std::string alone = transcribers[0].transcribe(*tone(40.0), options).text;
  std::vector<std::string> heard(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        for (int turn = 0; turn < 3; ++turn) {
          heard[i] = transcribers[i].transcribe(*tone(40.0), options).text;
        }
      });
    }
  }
  EXPECT_THAT(heard, testing::Each(alone));
}

TEST(Transcriber, DecodesShortRecordingsInCommonBatches) {
  Transcriber transcriber = tiny_transcriber();
  TranscribeOptions options = quick();
  options.language = "en";
  const auto n_decoder_runs = [&](int batch_size) {
    options.batch_size = batch_size;
    Told told;
    std::vector<Recording> recordings;
    for (const double seconds : {5.0, 6.0, 7.0, 8.0}) {
      recordings.push_back(told.recording("a", opened_tone(seconds)));
    }
    transcriber.transcribe_all(Told::all(std::move(recordings)), options);
    EXPECT_EQ(told.heard.size(), 4U);
    return told.heard.front().n_decoder_runs;  // until it ended: with its batch
  };
  TranscribeOptions alone = options;
  alone.batch_size = 4;
  std::vector<std::size_t> n_alone;
  for (const double seconds : {5.0, 6.0, 7.0, 8.0}) {
    n_alone.push_back(transcriber.transcribe(*tone(seconds), alone).n_decoder_runs);
  }
  EXPECT_EQ(n_decoder_runs(4), *std::max_element(n_alone.begin(), n_alone.end()));
}

TEST(Transcriber, StopsInTheMidstOfSeveralRecordings) {
  Transcriber transcriber = tiny_transcriber();
  for (const int batch_size : {1, 2}) {
    TranscribeOptions options = quick();
    options.batch_size = batch_size;
    std::stop_source stop;
    Told told;
    Recording second = told.recording("b", opened_tone(70.0));
    second.listeners.on_segment = [&](const Segment&) { stop.request_stop(); };
    test::expect_error(
        [&] {
          transcriber.transcribe_all(Told::all({told.recording("a", opened_tone(40.0)), second,
                                                told.recording("c", opened_tone(1.0))}),
                                     options, {.report = {}, .stop = stop.get_token()});
        },
        ErrorCode::cancelled, "stopped on request");
    EXPECT_EQ(told.events.back(), "b begins");
  }
}

TEST(Transcriber, RefusesWhatTheModelCannotDo) {
  Transcriber transcriber = tiny_transcriber();
  const auto refuse = [&](const TranscribeOptions& options, const std::string& message) {
    test::expect_error([&] { transcriber.transcribe(*tone(1.0), options); }, ErrorCode::invalid_argument,
                       message);
  };
  refuse({.language = "ja"}, "language: expected a language of this model (de, en, es, fr), found ja.");
  refuse({.languages = {"ja"}}, "languages: expected a language of this model (de, en, es, fr), found ja.");
  refuse({.beam_size = -1}, "beam_size");
  refuse({.suppress_tokens = {99999}}, "suppress_tokens");

  model::WhisperModel english = tiny_model();
  english.generation.is_multilingual = false;
  Transcriber english_transcriber(english, {.inference_precision = "f32"});
  test::expect_error([&] { english_transcriber.transcribe(*tone(1.0), {.task = Task::translate}); },
                     ErrorCode::invalid_argument, "task: expected transcribe, the only task of this model");
  test::expect_error([&] { english_transcriber.transcribe(*tone(1.0), {.language = "de"}); },
                     ErrorCode::invalid_argument, "language: expected en");
  EXPECT_EQ(english_transcriber.transcribe(*tone(1.0), quick()).language, "en");
}

TEST(Transcriber, RefusesDevicesAndPrecisionsThereAreNot) {
  test::expect_error([] { Transcriber(tiny_model(), {.device = "TPU"}); }, ErrorCode::not_found,
                     "device: expected one of CPU");
  test::expect_error([] { Transcriber(tiny_model(), {.inference_precision = "f8"}); },
                     ErrorCode::invalid_argument,
                     "inference_precision: expected f32, bf16, f16 or nothing, found f8.");
  test::expect_error([] { Transcriber(tiny_model(), {.threads = -1}); }, ErrorCode::invalid_argument,
                     "threads");
}

TEST(Transcriber, TellsPrecisionAndKernels) {
  const Transcriber transcriber = tiny_transcriber();
  EXPECT_EQ(transcriber.inference_precision(), "f32");
  for (const Stage stage : {Stage::encoder, Stage::decoder}) {
    int n_fully_connected = 0;
    for (const auto& [kernel, count] : transcriber.executed_kernels(stage)) {
      n_fully_connected += kernel.starts_with("FullyConnected ") ? count : 0;
    }
    EXPECT_GT(n_fully_connected, 4);
  }
}

}  // namespace
}  // namespace sotto::transcribe
