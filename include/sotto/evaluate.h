#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sotto/data_set.h"
#include "sotto/log.h"
#include "sotto/model.h"
#include "sotto/text.h"
#include "sotto/transcribe.h"

namespace sotto::evaluate {

/// A device OpenVINO can run on.
struct Device {
  std::string name;                       ///< as SessionOptions::device takes it: "CPU", "GPU.0", ...
  std::string full_name;                  ///< the maker's name for it
  std::vector<std::string> capabilities;  ///< precisions and more: "FP32", "INT8", "BF16", ...
};

/// The devices of this machine; loads OpenVINO's plugins. Throws Error(internal) where OpenVINO cannot start.
std::vector<Device> devices();

/// What of the machine and of the versions decides a measurement.
struct Environment {
  std::string sotto_version;
  std::string openvino_version;           ///< as the runtime names itself
  std::string cpu_name;                   ///< the processor's own name; empty where the system tells none
  unsigned n_cores = 0;                   ///< logical cores
  std::vector<std::string> cpu_features;  ///< of "avx2" ... "amx_bf16", those it has
};
Environment environment();

/// The 5th, 50th and 95th percentile of n values (linear interpolation, as numpy.percentile); 0 for none.
struct Spread {
  std::size_t n = 0;
  double p5 = 0.0;
  double median = 0.0;
  double p95 = 0.0;
};
Spread spread_of(std::vector<double> values);

/// A 95 % confidence interval.
struct Interval {
  double low = 0.0;
  double high = 0.0;
};

struct UtteranceResult {
  std::string id = {};
  std::string reference = {};         ///< as in the data set
  std::string hypothesis = {};        ///< as transcribed
  std::string language = {};          ///< code the words were normalized for
  std::string reference_words = {};   ///< after normalization
  std::string hypothesis_words = {};  ///< after normalization
  double audio_s = 0.0;
  double transcription_s = 0.0;
  text::ErrorCounts words = {};       ///< after normalization
  text::ErrorCounts characters = {};  ///< after normalization
  text::ChrfCounts chrf = {};         ///< of the texts as they stand
};

/// Word accuracy against the first model's, paired by utterance.
struct AccuracyDrop {
  double points = 0.0;    ///< first one's percent - this one's
  Interval interval;      ///< of `points`, by paired bootstrap
  bool is_shown = false;  ///< `interval` leaves out 0
  /// Utterances like these with which a drop of just `points` would be shown four times out of five
  /// (80 % power, normal approximation); nullopt where no difference was measured or one is shown.
  std::optional<std::size_t> n_utterances_to_show;
};

/// What a model occupies: the growth of this process's resident set, so mapped weights count where touched.
struct MemoryUse {
  std::uint64_t loaded_bytes = 0;  ///< once loaded
  std::uint64_t peak_bytes = 0;    ///< while it was loaded and transcribed one utterance
};

/// What was measured of one model on one data set. Figures of time, size and memory are absent (0, no
/// samples, nullopt) for results that another program wrote.
struct Measurement {
  std::string name;  ///< the directory's name, made unique among the models compared
  std::filesystem::path directory;
  bool is_peer = false;  ///< another program's results: texts only
  Environment environment;
  model::ModelSize size;
  std::string device;
  std::string inference_precision;
  int threads = 0;                    ///< as asked for; 0: the device's own choice
  double load_s = 0.0;                ///< reading and compiling both graphs
  double warm_up_s = 0.0;             ///< the first transcription, not part of any other figure
  Spread encoder_ms;                  ///< over all encoder inferences
  Spread decoder_ms;                  ///< over all decoder inferences
  Spread transcription_s;             ///< per utterance
  Spread first_segment_s;             ///< until the first segment was there, per utterance that has one
  double transcription_mean_s = 0.0;  ///< per utterance
  double audio_s = 0.0;
  double transcription_total_s = 0.0;
  std::optional<MemoryUse> memory;
  std::optional<double> energy_j;  ///< of the processor packages while this model transcribed (RAPL)
  text::ErrorCounts words;
  text::ErrorCounts characters;
  text::ChrfCounts chrf;
  std::size_t n_empty_references = 0;  ///< utterances whose reference has no word after normalization
  std::size_t n_empty_hypotheses = 0;  ///< utterances with words for which nothing was heard
  std::size_t n_missing = 0;           ///< utterances a peer has no result for; counted as heard nothing
  std::optional<Interval> word_accuracy_interval;  ///< percent, by bootstrap over utterances
  std::optional<Interval> chrf_interval;
  std::optional<AccuracyDrop> drop;  ///< none for the first model
  std::vector<UtteranceResult> utterances;
  std::map<std::string, int> encoder_kernels;  ///< execution type → nodes executed
  std::map<std::string, int> decoder_kernels;
  /// 100 (1 - WER), percent; nullopt where the references are empty.
  std::optional<double> word_accuracy_percent() const;
};

struct CompareOptions {
  transcribe::TranscribeOptions transcribe;
  transcribe::SessionOptions session;
  std::size_t take = 0;        ///< utterances; 0: all
  std::size_t keep_audio = 0;  ///< utterances that differ most whose samples are kept
};

/// Models side by side.
struct Comparison {
  std::vector<Measurement> models;  ///< the first is what the others are compared with
  std::string data;                 ///< where the speech came from
  transcribe::Task task = transcribe::Task::transcribe;
  std::vector<std::string> skipped;                 ///< what of the data could not be used, one line each
  std::size_t n_resampled = 0;                      ///< utterances not recorded at 16 kHz
  std::map<std::string, std::vector<float>> audio;  ///< id → 16 kHz samples of those kept
};

/// Runs every model over the speech, utterance by utterance in turn and in alternating order so that a noisy
/// machine hurts all alike, after a warm-up of each that is not counted. The first model is the one the
/// others are compared with.
///
/// A model is an IR directory, or a folder of another program's results: one ID.json for each utterance, with
/// "text" or "segments" as openai-whisper, whisper-ctranslate2 and faster-whisper's users write them.
/// Words are counted after Whisper's normalization: the English one, with the first model's spelling table,
/// where the text is English (by `options`, or as the first model hears the utterance), else the basic one.
/// Times are of transcribe() over samples in memory: decoding the file is not part of them.
/// Throws Error(invalid_argument) for no model, (not_found) for no utterance, a missing model, or results of
/// which none is of an utterance.
Comparison compare(const std::vector<std::filesystem::path>& models,
                   SpeechStream& speech,
                   const CompareOptions& options = {},
                   const Progress& progress = {});
/// The same over a data set on disk.
std::vector<Measurement> compare(const std::vector<std::filesystem::path>& models,
                                 const DataSet& data,
                                 const CompareOptions& options = {},
                                 const Progress& progress = {});

/// What one of the two graphs holds.
struct GraphDescription {
  std::size_t n_operations = 0;
  std::map<std::string, std::uintmax_t>
      weight_bytes;                 ///< element type ("f16", "i8", ...) → bytes of constants
  std::size_t n_fake_quantize = 0;  ///< activation (and uncompressed weight) quantizers
  std::string quantization;         ///< what quantize_whisper() noted of its options
};

/// What a model directory holds, IR or checkpoint.
struct ModelDescription {
  std::filesystem::path directory;
  bool is_ir = false;
  model::ModelDimensions dims;
  model::GenerationConfig generation;
  std::optional<model::ModelSize> size;  ///< of an IR
  GraphDescription encoder;
  GraphDescription decoder;
  bool quantized() const { return encoder.n_fake_quantize + decoder.n_fake_quantize > 0; }
};

/// Reads (or builds from a checkpoint) both graphs and describes them. Throws what model::load and
/// model::build throw.
ModelDescription describe(const std::filesystem::path& directory);

}  // namespace sotto::evaluate
