#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "recipe/planted_model.h"
#include "sotto/evaluate.h"
#include "sotto/recipe.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

const fs::path kData = test::source_dir() / "demo/data";

/// The bundled model with outliers, and what calibration saw of it, made once.
class AccuracyControl : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<test::TempDir>();
    test::save_planted_model(test::source_dir() / "demo/model", fp());
    CalibrateWhisperOptions options;
    options.calibration = (kData / "calibration").string();
    options.samples = 4;
    options.transcribe.language = "en";
    options.session.inference_precision = "f32";  // the same words on every processor
    calibrate_whisper(fp(), options).save(*dir_ / "fp.stats");
  }
  static void TearDownTestSuite() { dir_.reset(); }

  static fs::path fp() { return *dir_ / "fp"; }
  static fs::path output() { return *dir_ / "int8"; }

  /// Without SmoothQuant, so that INT8 really loses.
  static QuantizeWhisperOptions options(double max_drop) {
    QuantizeWhisperOptions options;
    options.statistics = *dir_ / "fp.stats";
    options.transcribe.language = "en";
    options.encoder.smooth_quant_alpha = -1.0;
    options.decoder.smooth_quant_alpha = -1.0;
    options.accuracy.max_drop = max_drop;
    options.accuracy.test = (kData / "test").string();
    options.accuracy.data.take = 16;
    return options;
  }

 private:
  static inline std::unique_ptr<test::TempDir> dir_;
};

TEST_F(AccuracyControl, GivesBackTheLayersThatLoseWords) {
  const QuantizeWhisperReport report = quantize_whisper(fp(), output(), options(0.5));
  ASSERT_TRUE(report.accuracy);
  const AccuracyControlReport& accuracy = *report.accuracy;
  EXPECT_EQ(accuracy.outcome, AccuracyOutcome::within);
  EXPECT_TRUE(accuracy.has_transcripts);
  EXPECT_EQ(accuracy.n_utterances, 16U);
  EXPECT_GT(accuracy.n_words, 50U);
  EXPECT_GT(accuracy.steps.front().drop.points, 0.5) << "INT8 must lose words for this test to say anything";
  EXPECT_TRUE(accuracy.steps.front().reverted.empty());
  EXPECT_LE(accuracy.steps.back().drop.points, 0.5);
  ASSERT_FALSE(accuracy.kept.empty());
  EXPECT_LT(accuracy.kept.size(), accuracy.ranking.size() / 2);
  EXPECT_TRUE(std::ranges::is_sorted(accuracy.ranking, {}, &QuantizedLayer::sqnr_db));

  for (const KeptLayer& kept : accuracy.kept) {
    EXPECT_GT(kept.drop_without.value_or(100.0), 0.5) << kept.layer.node;
    const auto& steps = kept.layer.part == "encoder" ? report.encoder_steps : report.decoder_steps;
    EXPECT_EQ(std::ranges::count_if(steps,
                                    [&](const quantize::StepReport& step) {
                                      return step.node == kept.layer.node &&
                                             step.algorithm == "accuracy_control" &&
                                             step.reason.starts_with("kept in floating point");
                                    }),
              1);
    EXPECT_TRUE(std::ranges::none_of(steps, [&](const quantize::StepReport& step) {
      return step.node == kept.layer.node && step.algorithm == "compress_weights";
    }));
  }

  // What was written is what was measured.
  const evaluate::ModelDescription written = evaluate::describe(output());
  EXPECT_TRUE(written.quantized());
  EXPECT_NE(written.encoder.quantization.find("layers kept in floating point"), std::string::npos);
  evaluate::CompareOptions comparing;
  comparing.transcribe.language = "en";
  const auto data = evaluate::read_librispeech(kData / "test", 16);
  const auto measured = evaluate::compare({fp(), output()}, data, comparing);
  EXPECT_NEAR(*measured[0].word_accuracy_percent(), accuracy.fp_accuracy_percent, 1e-9);
  EXPECT_NEAR(*measured[1].word_accuracy_percent(), accuracy.steps.back().accuracy_percent, 1e-9);
}

TEST_F(AccuracyControl, LeavesAModelWithinTheBoundAsItIs) {
  QuantizeWhisperOptions within = options(100.0);
  within.accuracy.data.take = 2;
  const QuantizeWhisperReport report = quantize_whisper(fp(), output(), within);
  ASSERT_TRUE(report.accuracy);
  EXPECT_EQ(report.accuracy->outcome, AccuracyOutcome::within);
  EXPECT_TRUE(report.accuracy->kept.empty());
  EXPECT_EQ(report.accuracy->n_iterations, 1U);
  EXPECT_EQ(report.accuracy->steps.size(), 1U);
}

TEST_F(AccuracyControl, SaysWhereTheBoundIsNotReached) {
  QuantizeWhisperOptions hurried = options(0.0);
  hurried.accuracy.max_num_iterations = 1;
  const QuantizeWhisperReport report = quantize_whisper(fp(), output(), hurried);
  ASSERT_TRUE(report.accuracy);
  EXPECT_EQ(report.accuracy->outcome, AccuracyOutcome::exceeded);
  EXPECT_EQ(report.accuracy->n_iterations, 1U);
  EXPECT_TRUE(fs::exists(output()));
}

TEST_F(AccuracyControl, AgreesWithTheFpModelWhereNothingSaysWhatWasSaid) {
  const test::TempDir sound;
  for (const evaluate::Utterance& utterance : evaluate::read_librispeech(kData / "test", 2).utterances) {
    fs::copy_file(utterance.audio, sound / utterance.audio.filename().string());
  }
  QuantizeWhisperOptions untranscribed = options(100.0);
  untranscribed.accuracy.test = sound.path().string();
  const QuantizeWhisperReport report = quantize_whisper(fp(), output(), untranscribed);
  ASSERT_TRUE(report.accuracy);
  EXPECT_FALSE(report.accuracy->has_transcripts);
  EXPECT_EQ(report.accuracy->fp_accuracy_percent, 100.0);
  EXPECT_EQ(report.accuracy->n_utterances, 2U);
}

TEST_F(AccuracyControl, RefusesWhatItCannotMeasureWith) {
  QuantizeWhisperOptions refused = options(0.3);
  refused.accuracy.test.clear();
  test::expect_error([&] { quantize_whisper(fp(), output(), refused); }, ErrorCode::invalid_argument,
                     "test or calibration");
  refused = options(-1.0);
  test::expect_error([&] { quantize_whisper(fp(), output(), refused); }, ErrorCode::invalid_argument,
                     "max_drop: expected 0 to 100 points, found -1");
  refused = options(0.3);
  refused.accuracy.test = "/no/such/speech";
  test::expect_error([&] { quantize_whisper(fp(), output(), refused); }, ErrorCode::not_found,
                     "/no/such/speech");
  const test::TempDir silent;
  test::write_file(silent / "a.flac", "fLaC");
  refused.accuracy.test = silent.path().string();
  test::expect_error([&] { quantize_whisper(fp(), output(), refused); }, ErrorCode::not_found,
                     "expected speech with words, found none in 0 utterances (1 could");
}

}  // namespace
}  // namespace sotto
