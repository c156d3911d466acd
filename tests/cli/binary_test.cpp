// The built command line as scripts and people meet it: what it prints, writes and returns.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/media_files.h"
#include "cli/run_sotto.h"

namespace sotto {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::run_sotto;
using testing::HasSubstr;
using testing::StartsWith;

const fs::path kModel = test::source_dir() / "demo/model";
const fs::path kData = test::source_dir() / "demo/data";
const fs::path kSpeech = test::source_dir() / "demo/media/en.flac";

bool holds_nothing(const fs::path& directory) {
  return !fs::exists(directory) || fs::is_empty(directory);
}

/// One line "sotto: error: ..." on standard error that holds `part`, nothing on standard output, and
/// `status`.
void expect_refused(const Outcome& outcome, int status, const std::string& part) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("sotto: error: "));
  EXPECT_THAT(outcome.err, HasSubstr(part));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

/// The demo model as an IR and as INT8, made once for all tests of this process by the command line itself.
class Models {
 public:
  static const Models& get() {
    static const Models models;
    return models;
  }
  fs::path fp() const { return dir_ / "fp16"; }
  fs::path int8() const { return dir_ / "int8"; }
  fs::path report() const { return dir_ / "quantize.json"; }
  const Outcome& convert_outcome() const { return convert_; }
  const Outcome& quantize_outcome() const { return quantize_; }

 private:
  Models()
      : convert_(run_sotto({"convert", kModel, "-o", fp()})),
        quantize_(run_sotto({"quantize", fp(), "-o", int8(), "--calibration", kData / "calibration",
                             "--samples", "2", "--report", report()})) {}

  test::TempDir dir_;
  Outcome convert_;
  Outcome quantize_;
};

// Calls

TEST(Call, WithoutACommandHintsAtHelp) {
  expect_refused(run_sotto({}), 2, "See sotto --help.");
}

TEST(Call, NamesWhatItDoesNotKnow) {
  expect_refused(run_sotto({"fly"}), 2, "expected a command, found fly");
  expect_refused(run_sotto({"talk.mp3", "--model", "base"}), 2, "sotto transcribe hears files");
  expect_refused(run_sotto({"transcribe", "--model", "m", "a.wav", "--speed", "2"}), 2, "--speed");
  expect_refused(run_sotto({"transcribe", "a.wav", "--modle", "m"}), 2, "See sotto transcribe --help.");
}

TEST(Call, NamesWhatIsMissing) {
  expect_refused(run_sotto({"transcribe", "--model", "m"}), 2, "FILE is required");
  expect_refused(run_sotto({"quantize", "m", "-o", "x"}), 2,
                 "expected either --calibration SPEECH or --statistics FILE");
  expect_refused(run_sotto({"convert", "m"}), 2, "--output is required");
}

TEST(Call, NamesTheRangeOfAValue) {
  expect_refused(run_sotto({"transcribe", "a.wav", "--model", "m", "--beam_size", "many"}), 2,
                 "--beam-size: expected a whole number or None (0 to 100), found \"many\"");
  expect_refused(run_sotto({"convert", "m", "-o", "x", "--weight-format", "int3"}), 2,
                 "expected one of fp32, fp16, bf16, found \"int3\"");
}

TEST(Call, ShowsVersions) {
  const Outcome outcome = run_sotto({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, testing::ContainsRegex("^sotto [0-9.]+\nOpenVINO 20"));
}

TEST(Help, IsOnStandardOutput) {
  for (const std::string command : {"download", "convert", "quantize", "calibrate", "transcribe", "listen",
                                    "compare", "benchmark", "info"}) {
    const Outcome outcome = run_sotto({command, "--help"});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, HasSubstr("Usage: sotto " + command + " [OPTIONS]"));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Help, HasEveryOptionDocumented) {
  const std::string manual = test::read_file(test::source_dir() / "docs/cli.md");
  const std::regex option(R"(^  (?:-\w, )?(--[\[\]a-z0-9-]+))", std::regex::multiline);
  for (const std::string command : {"download", "convert", "quantize", "calibrate", "transcribe", "listen",
                                    "compare", "benchmark", "info"}) {
    const std::string help = run_sotto({command, "--help"}).out;
    for (std::sregex_iterator it(help.begin(), help.end(), option), end; it != end; ++it) {
      if ((*it)[1] != "--help") {
        EXPECT_TRUE(manual.find("`" + (*it)[1].str()) != std::string::npos) << command << " " << (*it)[1];
      }
    }
  }
}

// Statistics

TEST(Statistics, AreTakenMergedShownAndQuantizedWith) {
  const test::TempDir dir;
  const auto run = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = run_sotto(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  const fs::path fp = Models::get().fp();
  test::write_file(dir / "hear.json", R"({"samples": 3, "transcribe": {"language": "en", "sample_len": 9},
                                           "parity": "nncf", "decoder": {"smooth_quant_alpha": 0.3}})");
  EXPECT_THAT(run({"calibrate", fp, kData / "calibration", "-o", dir / "a", "--config", dir / "hear.json",
                   "--samples", "1", "--sample-len", "8"}),
              AllOf(HasSubstr("1 utterances"), HasSubstr("inferences in f32")));
  EXPECT_FALSE(fs::exists(dir / "a.progress"));
  run({"statistics", "merge", dir / "a", dir / "a", "-o", dir / "b"});
  EXPECT_THAT(run({"statistics", "show", dir / "b"}), HasSubstr("encoder: 2 inferences"));
  const auto json = nlohmann::json::parse(run({"statistics", "show", "--json", dir / "b"}));
  EXPECT_EQ(json["inference_precision"], "f32");
  EXPECT_THAT(json["settings"].get<std::string>(), HasSubstr("beam_size 0, sample_len 8"));
  EXPECT_EQ(json["inputs"].size(), 2U);
  EXPECT_GT(json["parts"]["decoder"]["tensors"].size(), 10U);
  test::write_file(dir / "c.json", R"({"preset": "performance", "encoder": {"smooth_quant_alpha": 0.3}})");
  run({"quantize", fp, "-o", dir / "int8", "--statistics", dir / "b", "--config", dir / "c.json", "--report",
       dir / "r.json", "--smooth-quant-alpha-decoder", "0.8", "--weights-quantization-mode", "asymmetric",
       "--no-weights-per-channel", "--ignored-scope-subgraphs-decoder",
       "model.decoder.layers.1.fc1/MatMul -> model.decoder.layers.1.fc2/MatMul"});
  run({"quantize", fp, "-o", dir / "fastest", "--statistics", dir / "b", "--auto", "--report",
       dir / "auto.json"});
  EXPECT_EQ(nlohmann::json::parse(test::read_file(dir / "auto.json"))["format_trials"].size(), 3U);
  run({"quantize", fp, "-o", dir / "weights", "--encoder-format", "int8-weights", "--decoder-format", "fp",
       "--report", dir / "r.html"});
  EXPECT_THAT(
      test::read_file(dir / "r.html"),
      testing::AllOf(StartsWith("<!doctype html>"), HasSubstr("weight_compression"), HasSubstr("</html>")));
  const auto report = nlohmann::json::parse(test::read_file(dir / "r.json"));
  EXPECT_EQ(report["encoder"]["options"]["smooth_quant_alpha"], 0.3);
  EXPECT_EQ(report["decoder"]["options"]["smooth_quant_alpha"], 0.8);
  EXPECT_EQ(report["decoder"]["options"]["preset"], "performance");
  EXPECT_EQ(report["decoder"]["options"]["weights_quantization_mode"], "asymmetric");
  EXPECT_EQ(report["encoder"]["options"]["weights_per_channel"], false);
  const auto& parts = report["decoder"]["options"]["ignored_scope"]["subgraphs"];
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0]["outputs"][0], "model.decoder.layers.1.fc2/MatMul");
  EXPECT_THAT(report["decoder"]["steps"].dump(), HasSubstr("subgraph from"));
}

TEST(Statistics, AreRefusedInOneLine) {
  const test::TempDir dir;
  test::write_file(dir / "text", "not statistics");
  expect_refused(run_sotto({"statistics", "show", dir / "text"}), 1, "expected a file of statistics");
  expect_refused(run_sotto({"statistics", "merge", dir / "no", "-o", dir / "x"}), 1, "no");
  expect_refused(run_sotto({"statistics"}), 2, "See sotto statistics --help.");
  expect_refused(run_sotto({"quantize", kModel, "-o", dir / "x"}), 2,
                 "--calibration SPEECH or --statistics FILE");
  expect_refused(run_sotto({"quantize", kModel, "-o", dir / "x", "--statistics", dir / "text"}), 1,
                 "another kind of file");
  test::write_file(dir / "c.json", R"({"alpha": 1})");
  expect_refused(run_sotto({"quantize", kModel, "-o", dir / "x", "--config", dir / "c.json"}), 2, "alpha");
  EXPECT_FALSE(fs::exists(dir / "x"));
}

// The main job

TEST(MainJob, ConvertsAndQuantizes) {
  const Models& models = Models::get();
  EXPECT_EQ(models.convert_outcome().status, 0) << models.convert_outcome().err;
  EXPECT_EQ(models.quantize_outcome().status, 0) << models.quantize_outcome().err;
  EXPECT_EQ(models.quantize_outcome().err, "");
  EXPECT_LT(fs::file_size(models.int8() / "openvino_encoder_model.bin"),
            fs::file_size(models.fp() / "openvino_encoder_model.bin"));
  const auto report = nlohmann::json::parse(test::read_file(models.report()));
  EXPECT_EQ(report["calibration"]["n_utterances"], 2);
  EXPECT_EQ(report["encoder"]["options"]["smooth_quant_alpha"], 0.5);
  EXPECT_EQ(report["decoder"]["options"]["smooth_quant_alpha"], 0.95);
  EXPECT_GT(report["decoder"]["counts"]["min_max"]["done"], 0);
  EXPECT_TRUE(report["accuracy_control"].is_null());
  EXPECT_EQ(test::read_file(models.int8() / "sotto_quantize.json"), test::read_file(models.report()));
}

TEST(MainJob, QuantizesWithinABoundOfWords) {
  const test::TempDir dir;
  const Outcome outcome =
      run_sotto({"quantize", Models::get().fp(), "-o", dir / "int8", "--calibration", kData / "calibration",
                 "--samples", "1", "--language", "en", "--max-drop", "100", "--test", kData / "test",
                 "--test-take", "2", "--report", dir / "r.html"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("models measured: 1"));
  EXPECT_THAT(outcome.out, HasSubstr("quantized: word accuracy"));
  EXPECT_THAT(test::read_file(dir / "r.html"), HasSubstr("The bound is kept. Models measured: 1."));
  const auto report = nlohmann::json::parse(test::read_file(dir / "int8" / "sotto_quantize.json"));
  const auto& control = report["accuracy_control"];
  EXPECT_EQ(control["outcome"], "within");
  EXPECT_EQ(control["max_drop"], 100.0);
  EXPECT_EQ(control["n_utterances"], 2);
  EXPECT_TRUE(control["steps"][0]["reverted"].is_null());
  EXPECT_GT(control["ranking"].size(), 20U);
  EXPECT_TRUE(control["kept"].empty());
  expect_refused(run_sotto({"quantize", kModel, "-o", dir / "x", "--calibration", kData / "calibration",
                            "--max-drop", "101"}),
                 2, "--max-drop");
}

TEST(MainJob, RefusesToQuantizeTwice) {
  const test::TempDir dir;
  expect_refused(
      run_sotto({"quantize", Models::get().int8(), "-o", dir / "x", "--calibration", kData / "calibration"}),
      1, "quantized");
  EXPECT_TRUE(holds_nothing(dir.path()));
}

TEST(MainJob, WritesEveryFormat) {
  const test::TempDir dir;
  const Outcome outcome = run_sotto(
      {"transcribe", kSpeech, "--model", Models::get().int8(), "-o", dir.path(), "--language", "en"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\\[00:00\\.[0-9]+ --> 00:[0-9.]+\\] [A-Z]"));
  for (const char* name : {"en.txt", "en.srt", "en.vtt", "en.tsv", "en.json"}) {
    EXPECT_GT(fs::file_size(dir / name), 0U) << name;
  }
  const auto json = nlohmann::json::parse(test::read_file(dir / "en.json"));
  EXPECT_EQ(json["language"], "en");
}

TEST(MainJob, TakesOpenaisSpellings) {
  const test::TempDir ours;
  const test::TempDir theirs;
  const std::string model = Models::get().fp();
  EXPECT_EQ(
      run_sotto({"transcribe", kSpeech, "--model", model, "-o", ours.path(), "-f", "srt", "--language", "en",
                 "--no-condition-on-previous-text", "--temperature-increment-on-fallback", "None"})
          .status,
      0);
  const Outcome outcome = run_sotto(
      {"transcribe", kSpeech, "--model", model, "--output_dir", theirs.path(), "--output_format=srt",
       "--language", "English", "--condition_on_previous_text", "False", "--verbose", "False",
       "--temperature_increment_on_fallback", "None", "--length_penalty", "None"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1) << outcome.out;
  EXPECT_EQ(test::read_file(ours / "en.srt"), test::read_file(theirs / "en.srt"));
}

TEST(MainJob, WritesOnlyTheTextToStandardOutput) {
  const Outcome outcome =
      run_sotto({"transcribe", kSpeech, "--model", Models::get().fp(), "--stdout", "-f", "srt"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("1\n00:00:0"));
  EXPECT_EQ(outcome.err, "");
}

TEST(MainJob, IsSilentWhenAskedTo) {
  const test::TempDir dir;
  const Outcome outcome = run_sotto(
      {"transcribe", kSpeech, "--model", Models::get().fp(), "-o", dir.path(), "-f", "txt", "--quiet"});
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_TRUE(fs::exists(dir / "en.txt"));
}

TEST(MainJob, GoesOnAfterABadFile) {
  const test::TempDir dir;
  const Outcome outcome = run_sotto(
      {"transcribe", dir / "no.wav", kSpeech, "--model", Models::get().fp(), "-o", dir / "out", "-f", "txt"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no.wav"));
  EXPECT_TRUE(fs::exists(dir / "out" / "en.txt"));
}

/// Words heard with times: what, when it begins, when it ends.
std::vector<nlohmann::json> words_of(const fs::path& model, const fs::path& out) {
  const fs::path media = test::source_dir() / "demo/media";
  const Outcome outcome =
      run_sotto({"transcribe", media / "en.flac", media / "de.flac", "--model", model, "-o", out, "-f",
                 "json", "--beam-size", "0", "--word-timestamps", "--quiet"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::vector<nlohmann::json> words;
  for (const char* name : {"en.json", "de.json"}) {
    const auto heard = nlohmann::json::parse(test::read_file(out / name));
    for (const auto& segment : heard.at("segments")) {
      words.insert(words.end(), segment.at("words").begin(), segment.at("words").end());
    }
  }
  return words;
}

TEST(MainJob, TimesWordsInInt8AsInFloatingPoint) {
  const test::TempDir dir;
  const auto fp = words_of(Models::get().fp(), dir / "fp");
  const auto int8 = words_of(Models::get().int8(), dir / "int8");
  std::vector<double> moves_s;
  for (std::size_t i = 0, next = 0; i < fp.size(); ++i) {
    for (std::size_t j = next; j < std::min(next + 8, int8.size()); ++j) {
      if (fp[i].at("word") == int8[j].at("word")) {
        moves_s.push_back(std::abs(fp[i].at("start").get<double>() - int8[j].at("start").get<double>()));
        next = j + 1;
        break;
      }
    }
  }
  ASSERT_GT(fp.size(), 100U);
  EXPECT_GT(moves_s.size(), fp.size() * 9 / 10);
  std::sort(moves_s.begin(), moves_s.end());
  EXPECT_LT(moves_s.at(moves_s.size() / 2), 0.05);
  RecordProperty("median_move_s", std::to_string(moves_s[moves_s.size() / 2]));
}

TEST(MainJob, ComparesModels) {
  const test::TempDir dir;
  const Models& models = Models::get();
  const Outcome outcome =
      run_sotto({"compare", models.fp(), models.int8(), "--test", kData / "test", "--take", "2", "--language",
                 "en", "--json", dir / "c.json", "--markdown", dir / "c.md", "--fail-if-drop", "100",
                 "--resume", dir / "progress"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(fs::exists(dir / "progress"));
  EXPECT_THAT(outcome.out, HasSubstr("Word accuracy (%)"));
  EXPECT_THAT(test::read_file(dir / "c.md"), HasSubstr("| Word accuracy (%) |"));
  const auto json = nlohmann::json::parse(test::read_file(dir / "c.json"));
  EXPECT_EQ(json["models"].size(), 2U);
  EXPECT_EQ(json["layers"][0]["name"], json["models"][1]["name"]);
  EXPECT_GT(json["layers"][0]["encoder"][0]["sqnr_db"], 0.0);
  EXPECT_EQ(json["quantized"][0]["output"], models.int8().string());
  EXPECT_THAT(test::read_file(dir / "c.md"), HasSubstr("### Noisiest layers of "));
  EXPECT_EQ(json["models"][1]["accuracy"]["n_utterances"], 2);
  EXPECT_GT(json["models"][1]["size"]["encoder_compression"], 1.0);
  EXPECT_GT(json["models"][1]["speed"]["decoder_median_ms"], 0.0);
}

TEST(MainJob, WritesAReportAndReadsSpeechFromATable) {
  const test::TempDir dir;
  fs::create_directories(dir / "peer");
  test::write_file(dir / "peer" / "en.json", R"({"text": "some words", "language": "en"})");
  test::write_file(dir / "speech.csv", "file_name,text\n" + kSpeech.string() + ",some words\nno.wav,x\n");
  const Outcome outcome =
      run_sotto({"compare", dir / "peer", "--test", dir / "speech.csv", "--report", dir / "r.html"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("no such recording: no.wav"));
  EXPECT_THAT(outcome.out, HasSubstr("1 part of the data could not be used"));
  EXPECT_THAT(test::read_file(dir / "r.html"), HasSubstr("sotto compare"));
  EXPECT_EQ(run_sotto({"compare", dir / "peer", "--test", dir / "speech.csv", "--report", dir / "x.html",
                       "--quantize-report", dir / "speech.csv"})
                .status,
            1);
  EXPECT_FALSE(fs::exists(dir / "x.html"));
}

TEST(MainJob, BenchmarksAModel) {
  const test::TempDir dir;
  const Outcome outcome =
      run_sotto({"benchmark", Models::get().int8(), "--seconds", "0.1", "--decoder-tokens", "4", "--hint",
                 "throughput", "--requests", "2", "--threads", "2", "--json", dir / "b.json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("tokens/s"));
  const auto json = nlohmann::json::parse(test::read_file(dir / "b.json"));
  EXPECT_EQ(json["requests"], 2);
  ASSERT_EQ(json["parts"].size(), 3U);
  for (const auto& part : json["parts"]) {
    EXPECT_GT(part["median_ms"], 0.0);
    EXPECT_GT(part["per_second"], 0.0);
  }
  EXPECT_EQ(json["parts"][2]["n"].get<int>() % 4, 0);
  EXPECT_EQ(run_sotto({"benchmark", Models::get().int8(), "--decoder-tokens", "9999"}).status, 2);
}

TEST(MainJob, BenchmarksTheNotebooksPairAsItIs) {
  const test::TempDir dir;
  run_sotto({"convert", kModel, "--layout", "notebook", "-o", dir / "pair"});
  const Outcome outcome =
      run_sotto({"benchmark", dir / "pair", "--seconds", "0.05", "--decoder-tokens", "4", "--threads", "2"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("decoder, token"));
}

TEST(MainJob, FailsWhereAccuracyDrops) {
  const test::TempDir dir;
  fs::create_directories(dir / "good");
  fs::create_directories(dir / "deaf");
  const std::string id = "108-1-0000";
  test::write_file(dir / "good" / (id + ".json"), R"({"text": "some words", "language": "en"})");
  test::write_file(dir / "deaf" / (id + ".json"), R"({"text": ""})");
  fs::create_directories(dir / "speech");
  fs::copy_file(kSpeech, dir / "speech" / (id + ".flac"));
  test::write_file(dir / "speech" / "a.trans.txt", id + " some words\n");
  const Outcome outcome =
      run_sotto({"compare", dir / "good", dir / "deaf", "--test", dir / "speech", "--fail-if-drop", "0.5"});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_THAT(outcome.err, HasSubstr("deaf: word accuracy dropped by 100.00 points, more than 0.5"));
  EXPECT_THAT(outcome.out, HasSubstr("deaf: nothing was heard in 1 of 1 utterances"));
}

TEST(MainJob, TellsModelsAndMachineApart) {
  const Outcome int8 = run_sotto({"info", Models::get().int8()});
  EXPECT_EQ(int8.status, 0) << int8.err;
  EXPECT_THAT(int8.out, HasSubstr("INT8 with"));
  const auto json = nlohmann::json::parse(run_sotto({"info", kModel, "--json"}).out);
  EXPECT_EQ(json["model"]["is_ir"], false);
  EXPECT_EQ(json["model"]["quantized"], false);
  EXPECT_EQ(json["machine"]["devices"][0]["name"], "CPU");
  EXPECT_EQ(run_sotto({"info"}).status, 0);
}

// On processors with bf16: OpenVINO 2026.4 gave NaN, or crashed, for the long texts of whole windows.
TEST(Transcribe, TimesTheWordsOfLongWindowsWithFloatingPointWeights) {
  const test::TempDir dir;
  const Outcome outcome = run_sotto({"transcribe", test::source_dir() / "demo/media/demo.wav", "--model",
                                     Models::get().fp(), "-o", dir.path(), "--language", "en", "--beam-size",
                                     "0", "--batch-size", "2", "-f", "srt", "--quiet"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(dir / "demo.srt"));
}

// Bad input: one line, a status by kind, nothing written

class BadMedia : public testing::Test {
 protected:
  void expect_media_refused(const fs::path& media, const std::string& part) {
    const Outcome outcome = run_sotto({"transcribe", media, "--model", Models::get().fp(), "-o", dir_ / "out",
                                       "--language", "en", "--quiet"});
    expect_refused(outcome, 1, part);
    EXPECT_TRUE(holds_nothing(dir_ / "out"));
  }
  test::TempDir dir_;
};

TEST_F(BadMedia, NoFile) {
  expect_media_refused(dir_ / "no.wav", "no.wav");
  expect_refused(run_sotto({"transcribe", "a.wav", "b.wav", "--model", "/no/such/model"}), 1,
                 "a.wav: expected audio or video files, found none of the 2.");
}

TEST_F(BadMedia, ADirectory) {
  expect_media_refused(dir_.path(), "directory");
}

TEST_F(BadMedia, TextNamedMp4) {
  test::write_file(dir_ / "text.mp4", "This is not a film.\n");
  expect_media_refused(dir_ / "text.mp4", "text.mp4");
}

TEST_F(BadMedia, AVideoWithoutSound) {
  expect_media_refused(test::source_dir() / "tests/golden/audio/silent_film.mp4", "silent_film.mp4");
}

TEST_F(BadMedia, ATruncatedFlac) {
  const std::string whole = test::read_file(kSpeech);
  test::write_file(dir_ / "cut.flac", whole.substr(0, whole.size() / 3));
  expect_refused(run_sotto({"transcribe", dir_ / "cut.flac", "--model", Models::get().fp(), "-o",
                            dir_ / "out", "--language", "en", "--quiet", "-f", "txt"}),
                 1, "What was heard before is in " + (dir_ / "out" / "cut.partial.txt").string());
  EXPECT_FALSE(fs::exists(dir_ / "out" / "cut.txt"));
  EXPECT_GT(fs::file_size(dir_ / "out" / "cut.partial.txt"), 0U);
}

TEST_F(BadMedia, NoSample) {
  test::write_file(dir_ / "empty.wav", test::float_wav({}));
  expect_media_refused(dir_ / "empty.wav", "empty.wav");
  test::write_file(dir_ / "nothing.wav", "");
  expect_media_refused(dir_ / "nothing.wav", "nothing.wav");
}

TEST_F(BadMedia, ASampleThatIsNotANumber) {
  std::vector<float> samples(16000, 0.01F);
  samples[800] = std::numeric_limits<float>::quiet_NaN();
  test::write_file(dir_ / "nan.wav", test::float_wav(samples));
  expect_media_refused(dir_ / "nan.wav", "finite");
}

TEST(BadOption, ALanguageOrTaskThereIsNot) {
  const std::string model = Models::get().fp();
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "--language", "klingon"}), 2,
                 "--language: expected a language Whisper knows, found \"klingon\"");
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "--languages", "en,xx"}), 2,
                 "--languages: expected a language Whisper knows, found \"xx\"");
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "--patience", "2", "--beam-size", "0"}),
                 2, "--patience: is of use with beam_size only");
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "--task", "sing"}), 2,
                 "transcribe, translate");
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "-f", "doc"}), 2, "doc");
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "--stdout", "-f", "all"}), 2,
                 "--stdout");
}

TEST(BadOption, ADeviceThereIsNot) {
  const test::TempDir dir;
  const Outcome outcome = run_sotto(
      {"transcribe", kSpeech, "--model", Models::get().fp(), "-o", dir.path(), "--device", "TOASTER"});
  expect_refused(outcome, 1, "--device: expected one of CPU");
}

TEST(BadOutput, ThatCannotBeWritten) {
  const test::TempDir dir;
  test::write_file(dir / "file", "x");
  const std::string model = Models::get().fp();
  expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "-o", dir / "file"}), 3,
                 "expected a directory");
  expect_refused(run_sotto({"convert", kModel, "-o", (dir / "file").string() + "/x"}), 3, "file/x");
  EXPECT_EQ(test::read_file(dir / "file"), "x");
}

TEST(BadOutput, ADirectoryThatHoldsSomethingElse) {
  const test::TempDir dir;
  test::write_file(dir / "precious.txt", "x");
  expect_refused(run_sotto({"convert", kModel, "-o", dir.path()}), 3, dir.path());
  EXPECT_EQ(test::read_file(dir / "precious.txt"), "x");
}

TEST(BadOutput, AFullDisk) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "this system has no /dev/full";
  }
  const Outcome outcome = run_sotto({"info"}, "/dev/full");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("standard output: writing failed"));
}

class BadModel : public testing::Test {
 protected:
  /// A copy of a model directory with one file changed.
  fs::path copy(const fs::path& model) {
    const fs::path to = dir_ / "model";
    fs::remove_all(to);
    fs::copy(model, to);
    return to;
  }
  void expect_model_refused(const fs::path& model, const std::string& part) {
    expect_refused(run_sotto({"transcribe", kSpeech, "--model", model, "-o", dir_ / "out"}), 1, part);
    EXPECT_TRUE(holds_nothing(dir_ / "out"));
  }
  void expect_conversion_refused(const fs::path& model, const std::string& part) {
    expect_refused(run_sotto({"convert", model, "-o", dir_ / "ir"}), 1, part);
    EXPECT_FALSE(fs::exists(dir_ / "ir"));
  }
  test::TempDir dir_;
};

TEST_F(BadModel, NoDirectory) {
  expect_model_refused(dir_ / "no" / "model", "model");
  expect_conversion_refused(dir_ / "no" / "model", "model");
}

TEST_F(BadModel, AMissingFile) {
  for (const char* name : {"openvino_decoder_model.xml", "openvino_encoder_model.bin", "config.json"}) {
    const fs::path model = copy(Models::get().fp());
    fs::remove(model / name);
    expect_model_refused(model, name);
  }
}

TEST_F(BadModel, ATruncatedFile) {
  for (const char* name : {"openvino_encoder_model.bin", "openvino_decoder_model.xml"}) {
    const fs::path model = copy(Models::get().fp());
    fs::resize_file(model / name, fs::file_size(model / name) / 2);
    expect_model_refused(model, fs::path(name).stem());
  }
  const fs::path checkpoint = copy(kModel);
  fs::resize_file(checkpoint / "model.safetensors", 100000);
  expect_conversion_refused(checkpoint, "model.safetensors");
}

TEST_F(BadModel, ASafetensorsHeaderThatLies) {
  const auto with_offsets = [](int from, int to) {
    const std::string header =
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[)" +
        std::to_string(from) + "," + std::to_string(to) + "]}}";
    std::string file(8, '\0');
    file[0] = static_cast<char>(header.size());
    return file + header + std::string(16, '\0');
  };
  for (const auto& [from, to] : {std::pair(4, 12), std::pair(8, 4000)}) {
    const fs::path checkpoint = copy(kModel);
    test::write_file(checkpoint / "model.safetensors", with_offsets(from, to));
    expect_conversion_refused(checkpoint, "model.safetensors");
  }
}

TEST_F(BadModel, JsonThatIsNoObject) {
  const fs::path checkpoint = copy(kModel);
  test::write_file(checkpoint / "config.json", "[1, 2]");
  expect_conversion_refused(checkpoint, "config.json: expected a JSON object, found array");
}

TEST_F(BadModel, NoCalibrationSpeech) {
  fs::create_directory(dir_ / "empty");
  expect_refused(
      run_sotto({"quantize", Models::get().fp(), "-o", dir_ / "x", "--calibration", dir_ / "empty"}), 1,
      "LibriSpeech's layout");
  EXPECT_FALSE(fs::exists(dir_ / "x"));
}

// Stops

/// What each of these does takes many seconds; a second after it listens it is in the midst of it.
Outcome stopped(const std::vector<std::string>& arguments, int signal) {
  test::SottoProcess process(arguments);
  process.wait_until_it_listens();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  process.send(signal);
  return process.wait();
}

TEST(Stop, OfQuantizingLeavesNothing) {
  const test::TempDir dir;
  const std::vector<std::string> arguments = {
      "quantize",      Models::get().fp(),    "-o",        dir / "int8",
      "--calibration", kData / "calibration", "--samples", "60"};
  for (const int signal : {SIGINT, SIGTERM}) {
    expect_refused(stopped(arguments, signal), 130, "stopped on request");
    EXPECT_TRUE(holds_nothing(dir.path()));
  }
}

TEST(Stop, OfTranscribingWritesNothingAndSkipsTheRest) {
  const test::TempDir dir;
  const fs::path media = test::source_dir() / "demo/media";
  const Outcome outcome = stopped({"transcribe", media / "demo.mp4", media / "en.flac", media / "de.flac",
                                   media / "fr.flac", media / "es.flac", "--model", Models::get().fp(), "-o",
                                   dir / "out", "--beam-size", "5", "--quiet", "-f", "json"},
                                  SIGINT);
  expect_refused(outcome, 130, "stopped on request");
  EXPECT_FALSE(fs::exists(dir / "out" / "es.json"));
  for (const auto& entry : fs::directory_iterator(dir / "out")) {
    if (entry.path().extension() == ".journal") {
      continue;  // lines of JSON, for --resume
    }
    EXPECT_NO_THROW(nlohmann::json::parse(test::read_file(entry.path()))) << entry.path();
  }
}

TEST(Stop, OfAReaderEndsTheJob) {
  const Outcome outcome =
      run_sotto({"transcribe", kSpeech, "--model", Models::get().fp(), "--stdout"}, "/dev/full");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("standard output: writing failed"));
}

}  // namespace
}  // namespace sotto
