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

/// Utterances of a folder in LibriSpeech's layout (speaker/chapter/*.flac with *.trans.txt), ordered by id.
/// `take` 0 means all. A transcript without audio or the other way round is counted in `skipped`.
/// Throws Error(not_found) where there is none.
struct DataSet {
  std::vector<Utterance> utterances;
  std::vector<std::string> skipped;  ///< one line each: what and why
};
DataSet read_librispeech(const std::filesystem::path& directory, std::size_t take = 0);

struct UtteranceResult {
  std::string id;
  std::string reference;    ///< as in the data set
  std::string hypothesis;   ///< as transcribed
  text::ErrorCounts words;  ///< after normalization
};

/// What was measured of one model on one data set.
struct Measurement {
  std::string name;
  std::filesystem::path directory;
  model::ModelSize size;
  std::string device;
  std::string inference_precision;
  double load_s = 0.0;
  double encoder_median_ms = 0.0;     ///< over all encoder inferences
  double decoder_median_ms = 0.0;     ///< over all decoder inferences
  double transcription_mean_s = 0.0;  ///< per utterance
  double audio_s = 0.0;
  double transcription_total_s = 0.0;
  std::size_t n_encoder_runs = 0;
  std::size_t n_decoder_runs = 0;
  text::ErrorCounts words;
  std::vector<UtteranceResult> utterances;
  std::map<std::string, int> encoder_kernels;
  std::map<std::string, int> decoder_kernels;
  /// 100 (1 - WER), percent; nullopt where the references are empty.
  std::optional<double> word_accuracy_percent() const;
};

struct CompareOptions {
  transcribe::TranscribeOptions transcribe;
  transcribe::SessionOptions session;
  std::size_t take = 0;  ///< utterances; 0: all
};

/// Runs every model over the data set, utterance by utterance in turn so that a noisy machine hurts all
/// alike; the first model is the one the others are compared with.
std::vector<Measurement> compare(const std::vector<std::filesystem::path>& models,
                                 const DataSet& data,
                                 const CompareOptions& options = {},
                                 const Progress& progress = {});

/// A terminal table of the notebook's lines: sizes and compression rate, inference times and speed-ups,
/// transcription time and speed-up, word accuracy and drop with error counts.
std::string to_table(const std::vector<Measurement>& measurements);
/// The same with stable keys and all figures; schema in docs/formats.md.
std::string to_json(const std::vector<Measurement>& measurements);

}  // namespace sotto::evaluate
