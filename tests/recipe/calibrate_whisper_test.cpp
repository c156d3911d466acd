#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "evaluate/tar.h"
#include "sotto/recipe.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;

const fs::path kModel = test::source_dir() / "demo/model";

CalibrateWhisperOptions options_for(std::size_t samples) {
  CalibrateWhisperOptions options;
  options.calibration = test::source_dir() / "demo/data/calibration";
  options.samples = samples;
  options.transcribe.language = "en";
  options.transcribe.sample_len = 8;
  return options;
}

TEST(CalibrateWhisper, GoesOnWhereItWasStopped) {
  const test::TempDir dir;
  calibrate_whisper(kModel, options_for(3)).save(dir / "whole.stats");

  CalibrateWhisperOptions options = options_for(3);
  options.progress_directory = dir / "progress";
  options.utterances_a_save = 1;
  std::stop_source stop;
  const Progress stop_at_second{.report =
                                    [&](std::string_view stage, double done, double) {
                                      if (stage == "calibrate" && done >= 1.0) {
                                        stop.request_stop();
                                      }
                                    },
                                .stop = stop.get_token()};
  test::expect_error([&] { calibrate_whisper(kModel, options, stop_at_second); }, ErrorCode::cancelled,
                     "stopped on request");
  options.resume = true;
  double first = -1.0;
  const Progress note_first{.report =
                                [&](std::string_view stage, double done, double) {
                                  if (stage == "calibrate" && first < 0.0) {
                                    first = done;
                                  }
                                },
                            .stop = {}};
  const auto resumed = calibrate_whisper(kModel, options, note_first);
  EXPECT_EQ(first, 1.0);
  resumed.save(dir / "resumed.stats");
  EXPECT_EQ(test::read_file(dir / "resumed.stats"), test::read_file(dir / "whole.stats"));

  options.transcribe.language = "de";
  test::expect_error([&] { calibrate_whisper(kModel, options); }, ErrorCode::invalid_argument, "language de");
  options = options_for(2);
  options.progress_directory = dir / "progress";
  options.resume = true;
  test::expect_error([&] { calibrate_whisper(kModel, options); }, ErrorCode::invalid_argument,
                     "the same speech");
  remove_progress(dir / "progress");
  EXPECT_FALSE(fs::exists(dir / "progress"));
}

TEST(CalibrateWhisper, StatisticsServeAnyOptionsOfTheirModelOnly) {
  const test::TempDir dir;
  quantize::StatisticsSet statistics = calibrate_whisper(kModel, options_for(1));
  statistics.save(dir / "a.stats");
  QuantizeWhisperOptions options;
  options.statistics = dir / "a.stats";
  for (const double alpha : {0.3, 0.8}) {
    options.encoder.smooth_quant_alpha = alpha;
    const auto report = quantize_whisper(kModel, dir / "int8", options);
    EXPECT_EQ(report.n_utterances, 1U);
    EXPECT_GT(report.audio_s, 1.0);
  }
  std::swap(statistics.parts.at("encoder"), statistics.parts.at("decoder"));
  statistics.save(dir / "a.stats");
  test::expect_error([&] { quantize_whisper(kModel, dir / "int8", options); }, ErrorCode::invalid_argument,
                     "those of another one");
  statistics.parts.erase("encoder");
  statistics.save(dir / "a.stats");
  test::expect_error([&] { quantize_whisper(kModel, dir / "int8", options); }, ErrorCode::invalid_argument,
                     "none of its encoder");
}

std::string statistics_of(const std::string& speech, const evaluate::DataOptions& data) {
  const test::TempDir dir;
  CalibrateWhisperOptions options = options_for(2);
  options.calibration = speech;
  options.data = data;
  calibrate_whisper(kModel, options).save(dir / "a.stats");
  return test::read_file(dir / "a.stats");
}

TEST(CalibrateWhisper, HearsTheSameOfAFolderAndAnArchiveAndWithoutWords) {
  const test::TempDir dir;
  const std::string folder = options_for(1).calibration;
  const auto all = evaluate::read_librispeech(folder, 3).utterances;
  std::vector<evaluate::test::TarMember> members;
  std::string words;
  fs::create_directory(dir / "silent");
  for (const evaluate::Utterance& utterance : all) {
    const std::string sound = test::read_file(utterance.audio);
    members.push_back({"a/" + utterance.audio.filename().string(), sound});
    words += utterance.id + " " + utterance.text + "\n";
    test::write_file(dir / ("silent/" + utterance.audio.filename().string()), sound);
  }
  members.push_back({"a/a.trans.txt", words});
  test::write_file(dir / "speech.tar", evaluate::test::make_tar(members));

  evaluate::DataOptions skipping;
  skipping.skip = 1;
  evaluate::DataOptions shuffled;
  shuffled.shuffle = true;
  const std::string wanted = statistics_of(folder, skipping);
  EXPECT_EQ(statistics_of((dir / "speech.tar").string(), skipping), wanted);
  EXPECT_EQ(statistics_of((dir / "silent").string(), skipping), wanted);
  EXPECT_NE(statistics_of(folder, shuffled), wanted);
}

TEST(CalibrateWhisper, TellsWhatCannotBeUsedAndRefusesNothingAtAll) {
  const test::TempDir dir;
  fs::create_directory(dir / "bad");
  test::write_file(dir / "bad/one.flac", "fLaC");
  CalibrateWhisperOptions options = options_for(2);
  options.calibration = (dir / "bad").string();
  std::vector<std::string> skipped;
  options.on_skipped = [&](const std::string& line) { skipped.push_back(line); };
  test::expect_error([&] { calibrate_whisper(kModel, options); }, ErrorCode::not_found,
                     "expected at least one utterance, found none (1 could");
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_NE(skipped[0].find("one.flac"), std::string::npos);
}

const quantize::TensorSummary& tensor_of(const std::vector<quantize::TensorSummary>& tensors,
                                         const std::string& node) {
  return *std::ranges::find(tensors, node, &quantize::TensorSummary::node);
}

TEST(CalibrateWhisper, SeesInBf16WhatF32Sees) {
  CalibrateWhisperOptions options = options_for(2);
  options.session.inference_precision = "f32";
  const auto exact = calibrate_whisper(kModel, options);
  EXPECT_EQ(exact.inference_precision, "f32");
  options.session.inference_precision = "bf16";
  const auto rounded = calibrate_whisper(kModel, options);
  EXPECT_EQ(rounded.inference_precision, "bf16");
  for (const char* part : {"encoder", "decoder"}) {
    const auto seen = summarize(rounded.parts.at(part));
    for (const quantize::TensorSummary& wanted : summarize(exact.parts.at(part))) {
      const quantize::TensorSummary& found = tensor_of(seen, wanted.node);
      const float range = std::max(wanted.max - wanted.min, 1e-3F);
      EXPECT_EQ(found.n_samples, wanted.n_samples) << part << " " << wanted.node;
      EXPECT_NEAR(found.min, wanted.min, 0.05F * range) << part << " " << wanted.node;
      EXPECT_NEAR(found.max, wanted.max, 0.05F * range) << part << " " << wanted.node;
    }
  }
}

TEST(CalibrateWhisper, ObservesInF32WhereParityOrABatchAsksForIt) {
  CalibrateWhisperOptions options = options_for(1);
  options.parity = true;
  EXPECT_EQ(calibrate_whisper(kModel, options).inference_precision, "f32");
  options.session.inference_precision = "bf16";
  test::expect_error([&] { calibrate_whisper(kModel, options); }, ErrorCode::invalid_argument,
                     "inference_precision: expected f32 to calibrate for parity nncf, found bf16");
  options.parity = false;
  options.transcribe.batch_size = 4;
  test::expect_error([&] { calibrate_whisper(kModel, options); }, ErrorCode::invalid_argument,
                     "expected f32 to calibrate in batches, found bf16");
}

TEST(CalibrateWhisper, StatisticsInBf16AreNotForParity) {
  const test::TempDir dir;
  CalibrateWhisperOptions calibrating = options_for(1);
  calibrating.session.inference_precision = "bf16";
  calibrate_whisper(kModel, calibrating).save(dir / "a.stats");
  QuantizeWhisperOptions options;
  options.statistics = dir / "a.stats";
  options.decoder.parity = quantize::Parity::nncf;
  test::expect_error([&] { quantize_whisper(kModel, dir / "int8", options); }, ErrorCode::invalid_argument,
                     "expected statistics observed in f32 for parity nncf, found bf16");
}

QuantizeWhisperOptions config(const std::string& text) {
  const test::TempDir dir;
  test::write_file(dir / "c.json", text);
  QuantizeWhisperOptions options;
  read_config(dir / "c.json", options);
  return options;
}

TEST(Config, SetsWhatItNames) {
  const QuantizeWhisperOptions options = config(R"({
    "samples": 7, "data": {"skip": 4, "shuffle": true}, "statistics": "a.stats", "preset": "performance", "smooth_quant_alpha": 0.4,
    "activations_quantization_mode": "asymmetric", "activations_per_channel": false, "weights_per_channel": false,
    "encoder": {"smooth_quant_alpha": 0.6, "ignored_scope": {"types": ["MatMul"], "validate": false,
      "subgraphs": [{"inputs": ["a", "b"], "outputs": ["c"]}]}, "weights_quantization_mode": "asymmetric"},
    "parity": "nncf", "bias_correction": "full", "bias_correction_threshold": 900, "activation_range": {"max": "median_no_outliers"},
    "transcribe": {"language": "de", "task": "translate", "temperatures": [0, 0.5]},
    "session": {"threads": 2},
    "accuracy": {"max_drop": 0.3, "test": "speech", "data": {"take": 9}, "ignore_noise": false}})");
  EXPECT_EQ(options.samples, 7U);
  EXPECT_EQ(options.data.skip, 4U);
  EXPECT_TRUE(options.data.shuffle);
  EXPECT_EQ(options.statistics, "a.stats");
  EXPECT_EQ(options.encoder.preset, quantize::Preset::performance);
  EXPECT_EQ(options.decoder.preset, quantize::Preset::performance);
  EXPECT_EQ(options.encoder.smooth_quant_alpha, 0.6);
  EXPECT_EQ(options.decoder.smooth_quant_alpha, 0.4);
  EXPECT_EQ(options.encoder.ignored_scope.types, (std::vector<std::string>{"MatMul"}));
  ASSERT_EQ(options.encoder.ignored_scope.subgraphs.size(), 1U);
  EXPECT_EQ(options.encoder.ignored_scope.subgraphs[0].inputs, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.encoder.ignored_scope.subgraphs[0].outputs, (std::vector<std::string>{"c"}));
  EXPECT_EQ(options.encoder.weights_quantization_mode, quantize::QuantizationMode::asymmetric);
  EXPECT_EQ(options.decoder.weights_quantization_mode, quantize::QuantizationMode::preset);
  EXPECT_EQ(options.decoder.activations_quantization_mode, quantize::QuantizationMode::asymmetric);
  EXPECT_FALSE(options.decoder.activations_per_channel || options.decoder.weights_per_channel);
  EXPECT_FALSE(options.encoder.ignored_scope.validate);
  EXPECT_TRUE(options.decoder.ignored_scope.validate);
  EXPECT_EQ(options.encoder.parity, quantize::Parity::nncf);
  EXPECT_EQ(options.decoder.bias_correction, quantize::BiasCorrection::full);
  EXPECT_EQ(options.encoder.bias_correction_threshold, 900.0);
  ASSERT_TRUE(options.encoder.activation_range);
  EXPECT_EQ(options.encoder.activation_range->min, quantize::Aggregator::mean);
  EXPECT_EQ(options.encoder.activation_range->max, quantize::Aggregator::median_no_outliers);
  EXPECT_EQ(options.transcribe.language, "de");
  EXPECT_EQ(options.transcribe.task, transcribe::Task::translate);
  EXPECT_EQ(options.transcribe.temperatures, (std::vector<double>{0.0, 0.5}));
  EXPECT_EQ(options.session.threads, 2);
  EXPECT_EQ(options.accuracy.max_drop, 0.3);
  EXPECT_EQ(options.accuracy.test, "speech");
  EXPECT_EQ(options.accuracy.data.take, 9U);
  EXPECT_FALSE(options.accuracy.ignore_noise);
}

TEST(Config, RefusesWhatIsNoOption) {
  const auto refused = [](const std::string& text, const std::string& part) {
    test::expect_error([&] { config(text); }, ErrorCode::invalid_argument, part);
  };
  refused(R"({"presett": "mixed"})", "presett: expected an option");
  refused(R"({"encoder": {"samples": 3}})", "encoder.samples: expected an option");
  refused(R"({"encoder": []})", "encoder: expected an object, found []");
  refused(R"({"preset": "fast"})", "\"performance\", \"mixed\", found \"fast\"");
  refused(R"({"smooth_quant_alpha": 1.5})", "of -1 to 1, found 1.5");
  refused(R"({"smooth_quant_alpha": "0.5"})", "expected a number");
  refused(R"({"parity": "torch"})", "\"none\", \"nncf\", found \"torch\"");
  refused(R"({"activation_range": {"min": "entropy"}})", "activation_range.min: expected one of");
  refused(R"({"activation_range": {"outlier_probability": 0.7}})", "of 0 to 0.5, found 0.7");
  refused(R"({"weights_quantization_mode": "odd"})", "expected one of \"preset\", \"symmetric\"");
  refused(R"({"ignored_scope": {"subgraphs": [["a"]]}})", "ignored_scope.subgraphs[0]: expected an object");
  refused(R"({"ignored_scope": {"subgraphs": [{"from": "a"}]}})", "from: expected an option");
  refused(R"({"compress_weights": 1})", "expected true or false, found 1");
  refused(R"({"accuracy": {"max_drop": -1}})", "accuracy.max_drop: expected a number of 0 to 100, found -1");
  refused(R"({"accuracy": {"drop": 1}})", "accuracy.drop: expected an option");
  refused(R"({"samples": 0})", "samples");
  refused(R"({"samples": 1.5})", "expected a whole number");
  refused(R"({"samples": -1})", "expected a whole number");
  refused(R"({"ignored_scope": {"names": "conv1"}})", "expected a list");
  refused(R"({"ignored_scope": {"names": [3]}})", "ignored_scope.names[0]: expected a text");
  refused(R"({"transcribe": {"beam_size": 1000}})", "beam_size");
  test::expect_error([&] { config("[1]"); }, ErrorCode::bad_format, "c.json");
  test::expect_error([&] { config("{"); }, ErrorCode::bad_format, "c.json");
}

}  // namespace
}  // namespace sotto
