// Every layout of one model transcribes alike: greedy, beams and word times.

#include "model/layouts.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sotto/audio.h"
#include "sotto/transcribe.h"
#include "transcribe/tiny_model.h"

namespace sotto::transcribe {
namespace {

std::vector<float> speech() {
  std::vector<float> samples = audio::load_audio(test::source_dir() / "demo" / "media" / "en.flac");
  samples.resize(std::min<std::size_t>(samples.size(), 5 * audio::kSampleRateHz));
  return samples;
}

TranscribeOptions options(int n_beams) {
  TranscribeOptions options;
  options.language = "en";
  options.temperatures = {0.0};
  options.no_speech_threshold = std::numeric_limits<double>::infinity();
  options.logprob_threshold = -std::numeric_limits<double>::infinity();
  options.compression_ratio_threshold = std::numeric_limits<double>::infinity();
  options.sample_len = 24;
  options.beam_size = n_beams;
  options.word_timestamps = true;
  return options;
}

Transcription run(const model::WhisperModel& model, int n_beams) {
  Transcriber transcriber(model, {.inference_precision = "f32", .threads = 2});
  return transcriber.transcribe(*audio::from_samples(speech()), options(n_beams));
}

void expect_alike(const model::WhisperModel& model) {
  for (const int n_beams : {0, 3}) {
    SCOPED_TRACE(n_beams);
    const Transcription expected = run(test::tiny_model(), n_beams);
    const Transcription got = run(model, n_beams);
    EXPECT_EQ(got.text, expected.text);
    ASSERT_EQ(got.segments.size(), expected.segments.size());
    for (std::size_t i = 0; i < got.segments.size(); ++i) {
      EXPECT_EQ(got.segments[i].tokens, expected.segments[i].tokens);
      ASSERT_EQ(got.segments[i].words.size(), expected.segments[i].words.size());
      for (std::size_t w = 0; w < got.segments[i].words.size(); ++w) {
        EXPECT_NEAR(got.segments[i].words[w].end_s, expected.segments[i].words[w].end_s, 0.021);
      }
    }
  }
}

TEST(Layouts, OptimumWithStateAndWithPastTranscribeAlike) {
  for (const char* topic : {"optimum/stateful", "optimum/with_past"}) {
    SCOPED_TRACE(topic);
    const test::TempDir dir;
    test::copy_layout(topic, dir.path());
    expect_alike(model::load(dir.path()));
  }
}

TEST(Layouts, ANotebooksPairTranscribesAlikeAsItIsAndLifted) {
  const test::TempDir dir;
  test::copy_layout("layouts/notebook", dir.path());
  const model::WhisperModel pair = model::load(dir / "whisper_tiny_encoder.xml");
  expect_alike(pair);
  expect_alike(model::lift(pair));
}

TEST(Layouts, ANotebooksPairTranscribesABatchAlike) {
  const test::TempDir dir;
  test::copy_layout("layouts/notebook", dir.path());
  TranscribeOptions batched = options(0);
  batched.batch_size = 2;
  const std::vector<float> samples = audio::load_audio(test::source_dir() / "demo" / "media" / "demo.flac");
  const auto hear = [&](const model::WhisperModel& model) {
    Transcriber transcriber(model, {.inference_precision = "f32", .threads = 2});
    return transcriber.transcribe(
        *audio::from_samples({samples.begin(), samples.begin() + 45 * audio::kSampleRateHz}), batched);
  };
  EXPECT_EQ(hear(model::load(dir / "whisper_tiny_encoder.xml")).text, hear(test::tiny_model()).text);
}

TEST(Layouts, Int8PairsRun) {
  const test::TempDir dir;
  test::copy_layout("layouts/notebook", dir.path());
  const model::WhisperModel pair = model::load(dir / "whisper_tiny_encoder_int8.xml");
  EXPECT_EQ(run(model::lift(pair), 0).text, run(pair, 0).text);
}

TEST(Layouts, OurNotebooksPairTranscribesAlike) {
  expect_alike(model::build(test::tiny_directory(), {.layout = model::Layout::notebook}));
}

}  // namespace
}  // namespace sotto::transcribe
