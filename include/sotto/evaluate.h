#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sotto/log.h"
#include "sotto/model.h"
#include "sotto/text.h"
#include "sotto/transcribe.h"

namespace sotto::evaluate {

struct Utterance {
  std::string id;
  std::filesystem::path audio;
  std::string text;  ///< what was said
};

struct DataSet {
  std::vector<Utterance> utterances = {};
  std::vector<std::string> skipped = {};  ///< one line each: what and why
};

/// Utterances of a folder in LibriSpeech's layout (speaker/chapter/*.flac with *.trans.txt), ordered by id.
///
/// Audio may also be .wav, .mp3, .ogg, .opus or .m4a. `take` keeps the first so many, 0 all. In `skipped`:
/// a transcript without audio, audio without a transcript, an id met before, a line that holds no id.
/// Throws Error(not_found) where the folder is missing or holds no utterance, (bad_format) for a file.
DataSet read_librispeech(const std::filesystem::path& directory, std::size_t take = 0);

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

struct UtteranceResult {
  std::string id = {};
  std::string reference = {};   ///< as in the data set
  std::string hypothesis = {};  ///< as transcribed
  std::string language = {};    ///< code the words were normalized for
  double audio_s = 0.0;
  double transcription_s = 0.0;
  text::ErrorCounts words = {};  ///< after normalization
};

/// What was measured of one model on one data set.
struct Measurement {
  std::string name;  ///< the directory's name, made unique among the models compared
  std::filesystem::path directory;
  Environment environment;
  model::ModelSize size;
  std::string device;
  std::string inference_precision;
  int threads = 0;                    ///< as asked for; 0: the device's own choice
  double load_s = 0.0;                ///< reading and compiling both graphs
  double encoder_median_ms = 0.0;     ///< over all encoder inferences
  double decoder_median_ms = 0.0;     ///< over all decoder inferences
  double transcription_mean_s = 0.0;  ///< per utterance
  double audio_s = 0.0;
  double transcription_total_s = 0.0;
  std::size_t n_encoder_runs = 0;
  std::size_t n_decoder_runs = 0;
  text::ErrorCounts words;
  std::size_t n_empty_references = 0;  ///< utterances whose reference has no word after normalization
  std::vector<UtteranceResult> utterances;
  std::map<std::string, int> encoder_kernels;  ///< execution type → nodes executed
  std::map<std::string, int> decoder_kernels;
  /// 100 (1 - WER), percent; nullopt where the references are empty.
  std::optional<double> word_accuracy_percent() const;
};

struct CompareOptions {
  transcribe::TranscribeOptions transcribe;
  transcribe::SessionOptions session;
  std::size_t take = 0;  ///< utterances; 0: all
};

/// Runs every IR directory over the data set, utterance by utterance in turn and in alternating order so that
/// a noisy machine hurts all alike, after a warm-up that is not counted. The first model is the one the
/// others are compared with.
///
/// Words are counted after Whisper's normalization: the English one, with the first model's spelling table,
/// where the text is English (by `options`, or as the first model hears the utterance), else the basic one.
/// Times are of transcribe() over samples in memory: decoding the file is not part of them.
/// Throws Error(invalid_argument) for no model, (not_found) for no utterance or a missing model.
std::vector<Measurement> compare(const std::vector<std::filesystem::path>& models,
                                 const DataSet& data,
                                 const CompareOptions& options = {},
                                 const Progress& progress = {});

/// A table of 80 columns (up to four models) of the notebook's lines: file sizes in KB and compression rate,
/// median inference times and speed-ups, mean transcription time and speed-up, word accuracy with error
/// counts and drop; then what it was measured on. Text ends with a newline; empty for no measurement.
std::string to_table(const std::vector<Measurement>& measurements);
/// The same with stable keys and all figures, ending with a newline; schema in docs/formats.md.
std::string to_json(const std::vector<Measurement>& measurements);

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
