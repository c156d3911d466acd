#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sotto/audio.h"
#include "sotto/evaluate.h"
#include "sotto/recipe.h"
#include "sotto/transcribe.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

fs::path model() {
  return test::source_dir() / "demo/model";
}

QuantizeWhisperOptions options_for(std::size_t samples) {
  QuantizeWhisperOptions options;
  options.calibration = test::source_dir() / "demo/data/calibration";
  options.samples = samples;
  options.transcribe.language = "en";
  return options;
}

std::size_t n_done(const std::vector<quantize::StepReport>& steps, const std::string& algorithm) {
  return static_cast<std::size_t>(std::count_if(
      steps.begin(), steps.end(),
      [&](const quantize::StepReport& step) { return step.algorithm == algorithm && step.done; }));
}

TEST(QuantizeWhisper, TurnsACheckpointIntoAnInt8ModelThatStillHears) {
  const test::TempDir dir;
  std::vector<std::string> stages;
  const Progress progress{.report =
                              [&](std::string_view stage, double done, double total) {
                                EXPECT_LE(done, total);
                                if (stages.empty() || stages.back() != stage) {
                                  stages.emplace_back(stage);
                                }
                              },
                          .stop = {}};
  const QuantizeWhisperReport report = quantize_whisper(model(), dir / "int8", options_for(6), progress);

  EXPECT_EQ(report.n_utterances, 6U);
  EXPECT_GE(report.n_encoder_samples, 6U);
  EXPECT_GT(report.n_decoder_samples, report.n_encoder_samples);
  EXPECT_GT(report.audio_s, 6.0);
  EXPECT_GT(n_done(report.encoder_steps, "smooth_quant"), 0U);
  EXPECT_GT(n_done(report.decoder_steps, "min_max"), 0U);
  ASSERT_GE(stages.size(), 4U);
  EXPECT_EQ(stages[0], "load");
  EXPECT_EQ(stages[1], "calibrate");
  EXPECT_TRUE(
      std::any_of(stages.begin(), stages.end(), [](const auto& s) { return s.starts_with("encoder: "); }));
  EXPECT_EQ(stages.back(), "save");

  const evaluate::ModelDescription int8 = evaluate::describe(dir / "int8");
  EXPECT_TRUE(int8.quantized());
  EXPECT_GT(int8.encoder.weight_bytes.at("i8"), int8.size->encoder_bytes / 2);
  EXPECT_EQ(
      int8.encoder.quantization,
      "mixed preset, SmoothQuant chosen by error, bias correction per channel, 6 calibration utterances");
  EXPECT_TRUE(int8.decoder.quantization.starts_with("mixed preset, SmoothQuant chosen by error"));

  model::convert(model(), dir / "fp");
  const auto data = evaluate::read_librispeech(test::source_dir() / "demo/data/test", 8);
  const auto measured = evaluate::compare({dir / "fp", dir / "int8"}, data, {});
  EXPECT_LE(*measured[0].word_accuracy_percent() - *measured[1].word_accuracy_percent(), 10.0);
  EXPECT_GT(measured[0].size.encoder_bytes, measured[1].size.encoder_bytes);
  EXPECT_EQ(measured[0].encoder_ms.n, measured[1].encoder_ms.n);
  EXPECT_EQ(measured[0].utterances.size(), 8U);
}

TEST(QuantizeWhisper, CorrectsBiasesInTurnBySpeechHeardAgain) {
  const test::TempDir dir;
  QuantizeWhisperOptions options = options_for(2);
  options.transcribe.sample_len = 8;
  options.encoder_format = PartFormat::fp;
  options.decoder.bias_correction = quantize::BiasCorrection::full;
  const QuantizeWhisperReport report = quantize_whisper(model(), dir / "int8", options);
  EXPECT_GT(n_done(report.decoder_steps, "full_bias_correction"), 10U);
  EXPECT_EQ(n_done(report.decoder_steps, "bias_correction"), 0U);
  EXPECT_NE(evaluate::describe(dir / "int8").decoder.quantization.find("bias correction full"),
            std::string::npos);

  options.calibration.clear();
  options.statistics = dir / "none.stats";
  test::expect_error([&] { quantize_whisper(model(), dir / "again", options); }, ErrorCode::invalid_argument,
                     "expected calibration speech to hear again for full bias correction");
}

std::vector<std::string> heard_by(const fs::path& model_dir, std::size_t n) {
  transcribe::Transcriber transcriber(model::load(model_dir));
  transcribe::TranscribeOptions options;
  options.language = "en";
  std::vector<std::string> texts;
  for (const auto& utterance :
       evaluate::read_librispeech(test::source_dir() / "demo/data/test", n).utterances) {
    texts.push_back(transcriber.transcribe(*audio::open_media(utterance.audio), options).text);
  }
  return texts;
}

TEST(QuantizeWhisper, HearsWithAsymmetricWeightsAndRangesOfWholeTensors) {
  const test::TempDir dir;
  model::convert(model(), dir / "fp");
  const auto expected = heard_by(dir / "fp", 4);
  for (const bool per_channel : {true, false}) {
    QuantizeWhisperOptions options = options_for(4);
    for (quantize::QuantizeOptions* part : {&options.encoder, &options.decoder}) {
      part->weights_quantization_mode = quantize::QuantizationMode::asymmetric;
      part->weights_per_channel = per_channel;
    }
    quantize_whisper(model(), dir / "int8", options);
    EXPECT_EQ(heard_by(dir / "int8", 4), expected) << per_channel;
  }
}

std::vector<transcribe::Word> words_of(const fs::path& model_dir, const std::string& media) {
  transcribe::Transcriber transcriber(model::load(model_dir));
  const auto source = audio::open_media(test::source_dir() / "demo/media" / media);
  transcribe::TranscribeOptions options;
  options.word_timestamps = true;
  std::vector<transcribe::Word> words;
  for (const transcribe::Segment& segment : transcriber.transcribe(*source, options).segments) {
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  }
  return words;
}

/// Distances of the starts and ends of words that both heard, in order, no more than a second apart.
std::vector<double> moves_of(const std::vector<transcribe::Word>& fp,
                             const std::vector<transcribe::Word>& int8) {
  std::vector<double> moves;
  auto next = int8.begin();
  for (const transcribe::Word& word : fp) {
    const auto same = std::find_if(next, int8.end(), [&](const transcribe::Word& other) {
      return other.word == word.word && std::abs(other.start_s - word.start_s) < 1.0;
    });
    if (same != int8.end()) {
      moves.insert(moves.end(), {std::abs(same->start_s - word.start_s), std::abs(same->end_s - word.end_s)});
      next = same + 1;
    }
  }
  return moves;
}

TEST(QuantizeWhisper, KeepsTheTimesOfWords) {
  const test::TempDir dir;
  quantize_whisper(model(), dir / "int8", options_for(8));
  model::convert(model(), dir / "fp");
  std::vector<double> moves;
  for (const char* media : {"en.flac", "de.flac"}) {
    const auto found = moves_of(words_of(dir / "fp", media), words_of(dir / "int8", media));
    moves.insert(moves.end(), found.begin(), found.end());
  }
  ASSERT_GT(moves.size(), 140U);
  const auto middle = moves.begin() + static_cast<std::ptrdiff_t>(moves.size() / 2);
  std::nth_element(moves.begin(), middle, moves.end());
  EXPECT_LT(*middle, 0.05);
}

TEST(QuantizeWhisper, MakesOfEachPartWhatItsFormatSays) {
  const test::TempDir dir;
  QuantizeWhisperOptions options;
  options.encoder_format = PartFormat::int8_weights;
  options.decoder_format = PartFormat::int4_weights;
  options.weights.group_size = 64;
  const QuantizeWhisperReport report = quantize_whisper(model(), dir / "w", options);
  EXPECT_EQ(report.n_utterances, 0U);
  EXPECT_GT(n_done(report.encoder_steps, "weight_compression"), 10U);
  const evaluate::ModelDescription description = evaluate::describe(dir / "w");
  EXPECT_GT(description.encoder.weight_bytes.at("u8"), 0U);
  EXPECT_GT(description.decoder.weight_bytes.at("u4"), 0U);
  EXPECT_EQ(description.encoder.n_fake_quantize, 0U);
  EXPECT_EQ(description.decoder.quantization, "4-bit weights");

  model::convert(model(), dir / "fp");
  const auto data = evaluate::read_librispeech(test::source_dir() / "demo/data/test", 6);
  const auto measured = evaluate::compare({dir / "fp", dir / "w"}, data, {});
  EXPECT_LE(*measured[0].word_accuracy_percent() - *measured[1].word_accuracy_percent(), 10.0);
  EXPECT_GT(measured[0].size.encoder_bytes, measured[1].size.encoder_bytes * 3 / 2);
}

TEST(QuantizeWhisper, TakesTheFastestFormatWhereAsked) {
  const test::TempDir dir;
  QuantizeWhisperOptions options = options_for(1);
  options.encoder_format = PartFormat::automatic;
  options.decoder_format = PartFormat::fp;
  const QuantizeWhisperReport report = quantize_whisper(model(), dir / "auto", options);
  ASSERT_EQ(report.trials.size(), 3U);
  for (const FormatTrial& trial : report.trials) {
    EXPECT_GT(trial.encoder_ms, 0.0);
    EXPECT_GT(trial.decoder_ms, 0.0);
    EXPECT_TRUE(trial.format != report.encoder_format ||
                std::ranges::all_of(report.trials, [&](const FormatTrial& other) {
                  return trial.encoder_ms <= other.encoder_ms;
                }));
  }
  EXPECT_EQ(report.decoder_format, PartFormat::fp);
  EXPECT_TRUE(fs::exists(dir / "auto"));
}

TEST(QuantizeWhisper, StopsOnRequestAndLeavesNothing) {
  const test::TempDir dir;
  std::stop_source stop;
  const Progress progress{.report =
                              [&](std::string_view stage, double done, double) {
                                if (stage == "calibrate" && done >= 1.0) {
                                  stop.request_stop();
                                }
                              },
                          .stop = stop.get_token()};
  test::expect_error([&] { quantize_whisper(model(), dir / "int8", options_for(4), progress); },
                     ErrorCode::cancelled, "stopped on request");
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(QuantizeWhisper, RefusesWhatItCannotCalibrateWith) {
  const test::TempDir dir;
  QuantizeWhisperOptions options = options_for(0);
  test::expect_error([&] { quantize_whisper(model(), dir / "x", options); }, ErrorCode::invalid_argument,
                     "samples");
  options = options_for(1);
  options.calibration = dir / "no";
  test::expect_error([&] { quantize_whisper(model(), dir / "x", options); }, ErrorCode::not_found, "no:");
  options = options_for(1);
  options.transcribe.beam_size = -1;
  test::expect_error([&] { quantize_whisper(model(), dir / "x", options); }, ErrorCode::invalid_argument,
                     "beam_size");
  options = options_for(1);
  options.encoder.smooth_quant_alpha = 2.0;
  test::expect_error([&] { quantize_whisper(model(), dir / "x", options); }, ErrorCode::invalid_argument,
                     "alpha");
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(QuantizeWhisper, RefusesADirectoryOfOtherFilesBeforeItCalibrates) {
  const test::TempDir dir;
  fs::create_directory(dir / "out");
  test::write_file(dir / "out" / "thesis.txt", "all of it");
  const Progress progress{
      .report = [](std::string_view stage, double, double) { EXPECT_NE(stage, "calibrate"); }, .stop = {}};
  test::expect_error([&] { quantize_whisper(model(), dir / "out", options_for(1), progress); }, ErrorCode::io,
                     "found thesis.txt");
  EXPECT_EQ(test::read_file(dir / "out" / "thesis.txt"), "all of it");
}

}  // namespace
}  // namespace sotto
