#include "transcribe/window_loop.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "transcribe/golden_rules.h"
#include "transcribe/hash_inference.h"
#include "transcribe/language.h"

namespace sotto::transcribe {
namespace {

struct Loop {
  Transcription run(const MelReader& read_mel,
                    const TranscribeOptions& options,
                    const Listeners& listeners = {},
                    const Progress& progress = {},
                    const Unfinished* unfinished = nullptr) {
    const Vocabulary vocabulary = test::hash_vocabulary();
    const DecodingTask task(vocabulary, test::hash_dims(), options);
    WordTimestamps words(test::hash_alignment, vocabulary, options, content_s);
    WordTimestamps* const asked = options.word_timestamps ? &words : nullptr;
    return WindowLoop(inference, task, vocabulary, test::hash_dims(), options, {language, asked, unfinished})
        .run(read_mel, listeners, progress, content_s);
  }
  test::HashInference inference;
  double content_s = 70.0;
  std::string language = "en";
};

void expect_words(const std::vector<Word>& got, const nlohmann::json& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].word, expected[i].at("word").get<std::string>());
    EXPECT_NEAR(got[i].start_s, expected[i].at("start").get<double>(), 1e-9);
    EXPECT_NEAR(got[i].end_s, expected[i].at("end").get<double>(), 1e-9);
    EXPECT_NEAR(got[i].probability, expected[i].at("probability").get<double>(), 1e-9);
  }
}

TranscribeOptions greedy() {
  TranscribeOptions options;
  options.temperatures = {0.0};
  options.logprob_threshold = -10.0;
  return options;
}

TEST(WindowLoop, TranscribesWhatOpenAiWhisperTranscribes) {
  for (const auto& golden : test::golden_rules().at("loop")) {
    SCOPED_TRACE(golden.at("options").dump() + " frames " + golden.at("content_frames").dump());
    Loop loop;
    loop.content_s = golden.at("content_frames").get<double>() / 100;
    const Transcription got = loop.run(test::recording(golden.at("content_frames").get<std::size_t>()),
                                       test::golden_options(golden.at("options")));
    EXPECT_EQ(got.text, golden.at("text").get<std::string>());
    const auto& expected = golden.at("segments");
    ASSERT_EQ(got.segments.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Segment& segment = got.segments[i];
      EXPECT_EQ(segment.id, static_cast<int>(i));
      EXPECT_EQ(segment.seek_frames, expected[i].at("seek").get<std::size_t>());
      EXPECT_NEAR(segment.start_s, expected[i].at("start").get<double>(), 1e-9);
      EXPECT_NEAR(segment.end_s, expected[i].at("end").get<double>(), 1e-9);
      EXPECT_EQ(segment.text, expected[i].at("text").get<std::string>());
      EXPECT_EQ(segment.tokens, expected[i].at("tokens").get<std::vector<TokenId>>());
      EXPECT_EQ(segment.temperature, expected[i].at("temperature").get<double>());
      EXPECT_NEAR(segment.avg_logprob, expected[i].at("avg_logprob").get<double>(), 1e-5);
      EXPECT_NEAR(segment.no_speech_prob, expected[i].at("no_speech_prob").get<double>(), 1e-6);
      expect_words(segment.words, expected[i].at("words"));
    }
  }
}

/// What a run has told when it stands at each of its checkpoints.
std::vector<Unfinished> checkpoints_of(const std::function<void(const Listeners&)>& run) {
  std::vector<Unfinished> found;
  std::vector<Segment> segments;
  run({.on_segment = [&](const Segment& s) { segments.push_back(s); },
       .on_checkpoint = [&](const Checkpoint& c) { found.push_back({segments, c}); }});
  return found;
}

TEST(WindowLoop, GoesOnAtEveryCheckpointAsIfItHadNotStopped) {
  std::size_t n_resumed = 0;
  for (const auto& golden : test::golden_rules().at("loop")) {
    SCOPED_TRACE(golden.at("options").dump() + " frames " + golden.at("content_frames").dump());
    const MelReader read = test::recording(golden.at("content_frames").get<std::size_t>());
    TranscribeOptions options = test::golden_options(golden.at("options"));
    options.temperatures = {0.0, 0.6};  // some windows fall back: the prompt is forgotten behind them
    options.compression_ratio_threshold = 1.0;
    const auto loop = [&] {
      Loop made;
      made.content_s = golden.at("content_frames").get<double>() / 100;
      return made;
    };
    Transcription whole;
    const auto checkpoints =
        checkpoints_of([&](const Listeners& l) { whole = loop().run(read, options, l); });
    for (std::size_t at = 0; at < checkpoints.size(); at += 1 + checkpoints.size() / 3) {
      const Unfinished& unfinished = checkpoints[at];
      ++n_resumed;
      const Transcription rest = loop().run(read, options, {}, {}, &unfinished);
      EXPECT_EQ(rest.text, whole.text);
      EXPECT_EQ(rest.language, whole.language);
      ASSERT_EQ(rest.segments.size(), whole.segments.size());
      for (std::size_t i = 0; i < whole.segments.size(); ++i) {
        EXPECT_EQ(rest.segments[i].id, whole.segments[i].id);
        EXPECT_EQ(rest.segments[i].tokens, whole.segments[i].tokens);
        EXPECT_EQ(rest.segments[i].start_s, whole.segments[i].start_s);
        EXPECT_EQ(rest.segments[i].end_s, whole.segments[i].end_s);
        EXPECT_EQ(rest.segments[i].avg_logprob, whole.segments[i].avg_logprob);
        EXPECT_EQ(rest.segments[i].words.size(), whole.segments[i].words.size());
      }
    }
  }
  EXPECT_GT(n_resumed, 40U);
}

TEST(WindowLoop, TellsSegmentsAndProgressAsTheyCome) {
  Loop loop;
  std::vector<int> ids;
  std::vector<double> done;
  Progress progress;
  progress.report = [&](std::string_view stage, double done_s, double total_s) {
    EXPECT_EQ(stage, "transcribing");
    EXPECT_EQ(total_s, 70.0);
    done.push_back(done_s);
  };
  const Transcription got =
      loop.run(test::recording(7000), greedy(),
               {.on_segment = [&](const Segment& s) { ids.push_back(s.id); }}, progress);
  EXPECT_EQ(ids.size(), got.segments.size());
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.front(), 0.0);
  EXPECT_EQ(done.back(), 70.0);
}

TEST(WindowLoop, HearsAWindowOnceForAllTemperatures) {
  Loop loop;
  TranscribeOptions options;
  options.without_timestamps = true;
  options.compression_ratio_threshold = -1.0;  // never good enough: all six temperatures
  options.no_speech_threshold = 1.0;
  const Transcription got = loop.run(test::recording(3000), options);
  ASSERT_FALSE(got.segments.empty());
  EXPECT_EQ(loop.inference.prompts.size(), 6U * static_cast<std::size_t>(loop.inference.n_encoded));
  EXPECT_EQ(got.segments[0].temperature, 1.0);
}

TEST(WindowLoop, ForgetsThePromptAfterAHighTemperature) {
  for (const double temperature : {0.4, 0.6}) {
    Loop loop;
    TranscribeOptions options = greedy();
    options.temperatures = {temperature};
    options.without_timestamps = true;
    options.no_speech_threshold = 1.0;
    loop.run(test::recording(6000), options);
    ASSERT_EQ(loop.inference.prompts.size(), 2U);
    EXPECT_EQ(loop.inference.prompts[0].front(), 41);
    EXPECT_EQ(loop.inference.prompts[1].front(), temperature > 0.5 ? 41 : 47) << temperature;
  }
}

TEST(WindowLoop, SaysTheSameForTheSameSeed) {
  TranscribeOptions options = greedy();
  options.temperatures = {0.8};
  const auto text = [&](std::uint64_t seed) {
    options.seed = seed;
    return Loop().run(test::recording(7000), options).text;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(WindowLoop, ShowsNothingBehindTheEndOfAClip) {
  class Listening final : public Inference {
   public:
    void encode(const audio::LogMel& window) override {
      inner.encode(window);
      const auto last = std::find_if(window.values.rend() - audio::kWindowFrames, window.values.rend(),
                                     [](float x) { return x != 0.0F; });
      last_heard.push_back(*last);
    }
    PromptLogits start(std::span<const TokenId> prompt, std::size_t position) override {
      return inner.start(prompt, position);
    }
    LogitRows step(std::span<const TokenId> tokens, std::span<const std::int32_t> rows) override {
      return inner.step(tokens, rows);
    }
    test::HashInference inner;
    std::vector<float> last_heard;
  };
  Listening inference;
  TranscribeOptions options = greedy();
  options.without_timestamps = true;
  options.clip_timestamps = {1.0, 2.5, 4.0};
  const Vocabulary vocabulary = test::hash_vocabulary();
  const DecodingTask task(vocabulary, test::hash_dims(), options);
  WindowLoop(inference, task, vocabulary, test::hash_dims(), options, {.language = "en"})
      .run(test::recording(1000), {}, {}, std::nullopt);
  EXPECT_THAT(inference.last_heard, testing::ElementsAre(249.0F, 999.0F));
}

/// A HashInference in whose windows the language changes.
class Polyglot final : public Inference {
 public:
  /// Probability of "de" in the windows from 0, 30, ... s on.
  explicit Polyglot(std::vector<double> german) : german_(std::move(german)) {}
  void encode(const audio::LogMel& window) override {
    inner.encode(window);
    heard_ = german_.at(static_cast<std::size_t>(window.values.at(0)) / audio::kWindowFrames);
  }
  PromptLogits start(std::span<const TokenId> prompt, std::size_t position) override {
    PromptLogits logits = inner.start(prompt, position);
    if (prompt.size() == 1) {
      logits.next[0][42] = static_cast<float>(std::log(1.0 - heard_));
      logits.next[0][43] = static_cast<float>(std::log(heard_));
    }
    return logits;
  }
  LogitRows step(std::span<const TokenId> tokens, std::span<const std::int32_t> rows) override {
    return inner.step(tokens, rows);
  }
  test::HashInference inner;

 private:
  std::vector<double> german_;
  double heard_ = 0.0;
};

/// Windows of 30 s heard as `german` says, the threshold 0.7.
Transcription hear_languages(Polyglot& inference, std::size_t n_windows) {
  const Vocabulary vocabulary = test::hash_vocabulary();
  TranscribeOptions options = greedy();
  options.multilingual = true;
  options.language_detection_threshold = 0.7;
  options.without_timestamps = true;
  options.no_speech_threshold = 1.0;
  const DecodingTask task(vocabulary, test::hash_dims(), options);
  return WindowLoop(inference, task, vocabulary, test::hash_dims(), options, {})
      .run(test::recording(n_windows * audio::kWindowFrames), {}, {}, std::nullopt);
}

TEST(WindowLoop, HearsTheLanguageOfEveryWindow) {
  Polyglot inference({0.1, 0.6, 0.9, 0.4});
  const Transcription got = hear_languages(inference, 4);
  std::vector<std::string> languages;
  for (const Segment& segment : got.segments) {
    languages.push_back(segment.language);
  }
  EXPECT_THAT(languages, testing::ElementsAre("en", "en", "de", "de"));
  EXPECT_EQ(got.language, main_language(got.segments));
}

TEST(WindowLoop, DoesNotShowTextInAnotherLanguage) {
  Polyglot inference({0.1, 0.1, 0.9, 0.9});
  hear_languages(inference, 4);
  std::vector<bool> has_prompt;
  for (const auto& prompt : inference.inner.prompts) {
    if (prompt.size() > 1) {  // one token asks for the language
      has_prompt.push_back(prompt.front() == 47);
    }
  }
  EXPECT_THAT(has_prompt, testing::ElementsAre(false, true, false, true));
}

TEST(WindowLoop, StopsOnRequest) {
  std::stop_source stop;
  Loop loop;
  Progress progress{.report = {}, .stop = stop.get_token()};
  int n_segments = 0;
  const Listeners listeners{.on_segment =
                                [&](const Segment&) {
                                  ++n_segments;
                                  stop.request_stop();
                                },
                            .on_inference = {}};
  test::expect_error([&] { loop.run(test::recording(7000), greedy(), listeners, progress); },
                     ErrorCode::cancelled, "stopped");
  EXPECT_GT(n_segments, 0);
  EXPECT_EQ(loop.inference.n_encoded, 1);
}

}  // namespace
}  // namespace sotto::transcribe
