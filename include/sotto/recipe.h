#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sotto/data_set.h"
#include "sotto/evaluate.h"
#include "sotto/log.h"
#include "sotto/quantize.h"
#include "sotto/transcribe.h"

namespace sotto {

struct CalibrateWhisperOptions {
  std::string calibration;                   ///< speech, as evaluate::open_speech() takes it; words may miss
  std::size_t samples = 30;                  ///< utterances transcribed while statistics are taken
  transcribe::TranscribeOptions transcribe;  ///< how the FP model transcribes them
  /// Without an inference_precision: bf16 where the processor multiplies in it and neither `parity` nor a
  /// batch asks for f32. bf16 needs both parts at once, so low_memory is for the other precisions.
  transcribe::SessionOptions session{.low_memory = true};
  bool attention_inputs = true;  ///< observe the decoder's Q and K too; the encoder's always are
  bool parity = false;           ///< for quantize::Parity::nncf, which needs f32
  /// A directory that keeps what was observed so far, until all is; empty: nothing is kept.
  std::filesystem::path progress_directory = {};
  bool resume = false;                 ///< go on with what progress_directory holds; else begin anew
  std::size_t utterances_a_save = 10;  ///< observed between two additions to progress_directory
  evaluate::DataOptions data = {};  ///< which utterances of `calibration`; `samples` takes the place of take
  std::function<void(const std::string&)> on_skipped =
      {};  ///< told what of the speech cannot be used, and why
};

/// Transcribes calibration speech with the FP model while the activations of both its graphs are observed.
/// The parts are "encoder" and "decoder", the inputs the utterances' ids. Throws Error(invalid_argument) for
/// a progress that was made with other options, speech or model, and for bf16 in batches.
quantize::StatisticsSet calibrate_whisper(const std::filesystem::path& model,
                                          const CalibrateWhisperOptions& options,
                                          const Progress& progress = {});

/// What becomes of a part of a model.
enum class PartFormat {
  int8,          ///< weights and activations in 8 bits; needs calibration
  int8_weights,  ///< weights in 8 bits, computed in floating point
  int4_weights,  ///< weights in 4 bits, computed in floating point
  fp,            ///< left as it is
  automatic,     ///< of fp, int8_weights and int8 what is fastest on this machine; needs calibration
};

/// How many words quantizing may cost. Layers are given back to floating point, the fewest that do, until the
/// quantized model loses no more than `max_drop`. After NNCF's quantize_with_accuracy_control().
struct AccuracyControlOptions {
  /// Points of word accuracy that the quantized model may lose against the FP one, 0 to 100; nullopt: off.
  std::optional<double> max_drop = {};
  /// Speech it is measured on, as evaluate::open_speech() takes it; empty: the calibration speech. Where no
  /// recording has words, those that the FP model hears are taken for what was said.
  std::string test = {};
  evaluate::DataOptions data = {};     ///< which utterances of `test`; they are held in memory
  std::size_t max_num_iterations = 0;  ///< quantized models measured at most; 0: as many as it takes
  /// With 30 utterances or more, a drop above max_drop is taken for noise where its paired bootstrap interval
  /// holds 0: no layer is given back for it. Off: every measured point counts.
  bool ignore_noise = true;
};

struct QuantizeWhisperOptions {
  PartFormat encoder_format = PartFormat::int8;
  PartFormat decoder_format = PartFormat::int8;
  std::string calibration;                   ///< speech, as evaluate::open_speech() takes it; words may miss
  evaluate::DataOptions data = {};           ///< which utterances of it; `samples` takes the place of take
  std::size_t samples = 30;                  ///< utterances transcribed while statistics are taken
  std::filesystem::path statistics = {};     ///< instead: a file of calibrate_whisper()'s StatisticsSet
  transcribe::TranscribeOptions transcribe;  ///< how the FP model transcribes them
  transcribe::SessionOptions session{.low_memory = true};
  /// How the parts with compressed weights get them; a mode of 8 bits means int4_asym for int4_weights.
  quantize::CompressWeightsOptions weights;
  quantize::QuantizeOptions encoder{.smooth_quant_alpha = 0.5, .ignored_scope = {}, .attention_inputs = true};
  quantize::QuantizeOptions decoder{.smooth_quant_alpha = 0.95, .ignored_scope = {}};
  AccuracyControlOptions accuracy = {};
};

/// Median inference times of a model with both parts in one format.
struct FormatTrial {
  PartFormat format = PartFormat::fp;
  double encoder_ms = 0.0;
  double decoder_ms = 0.0;
};

/// A layer that accuracy control could give back to floating point.
struct QuantizedLayer {
  std::string part = {};  ///< "encoder" or "decoder"
  std::string node = {};  ///< friendly name
  double sqnr_db = 0.0;   ///< signal to noise of its output, quantized alone; infinite where not known
};

/// A layer that stays in floating point for the words' sake.
struct KeptLayer {
  QuantizedLayer layer = {};
  /// The model's drop with this layer quantized too and the others kept, points; nullopt: not measured.
  std::optional<double> drop_without = {};
};

/// A model that was measured on the way to the one that was written.
struct AccuracyStep {
  std::vector<QuantizedLayer> reverted = {};  ///< given back since the step before
  double accuracy_percent = 0.0;
  evaluate::AccuracyDrop drop = {};
};

enum class AccuracyOutcome {
  within,    ///< the drop measured is at most max_drop
  noise,     ///< it is more, but no difference to the FP model is shown
  exceeded,  ///< it is more: the best model found
};

struct AccuracyControlReport {
  AccuracyOutcome outcome = AccuracyOutcome::within;
  bool has_transcripts = true;  ///< false: agreement with what the FP model hears
  std::size_t n_utterances = 0;
  std::size_t n_words = 0;
  double fp_accuracy_percent = 0.0;
  std::vector<AccuracyStep> steps = {};      ///< everything quantized first, the model written last
  std::vector<QuantizedLayer> ranking = {};  ///< every layer, most noise first: the order they are tried in
  std::vector<KeptLayer> kept = {};          ///< in that order
  std::size_t n_iterations = 0;              ///< quantized models measured
  double seconds = 0.0;
  std::vector<std::string> skipped = {};  ///< what of the speech could not be used, one line each
};

struct QuantizeWhisperReport {
  PartFormat encoder_format = PartFormat::int8;  ///< what the parts became; never automatic
  PartFormat decoder_format = PartFormat::int8;
  std::vector<FormatTrial> trials;   ///< empty where nothing was automatic
  std::vector<std::string> skipped;  ///< what of the speech could not be used, one line each
  std::size_t n_utterances = 0;
  double audio_s = 0.0;
  std::size_t n_encoder_samples = 0;
  std::size_t n_decoder_samples = 0;
  double calibration_s = 0.0;            ///< transcribing with statistics
  std::string inference_precision = {};  ///< that it ran in
  double quantize_encoder_s = 0.0;
  double quantize_decoder_s = 0.0;
  double save_s = 0.0;
  std::vector<quantize::TensorSummary> encoder_tensors;  ///< what calibration saw; empty without
  std::vector<quantize::TensorSummary> decoder_tensors;
  std::vector<quantize::StepReport> encoder_steps;
  std::vector<quantize::StepReport> decoder_steps;
  std::optional<AccuracyControlReport> accuracy;  ///< where AccuracyControlOptions::max_drop was set
};

/// Removes what calibrate_whisper() kept in a progress directory, once its result is safe.
void remove_progress(const std::filesystem::path& directory);

/// Sets those options that a JSON file names: QuantizeWhisperOptions' fields by name, "encoder" and "decoder"
/// with quantize::QuantizeOptions' fields, which may also stand beside them and then count for both; see
/// docs/formats.md. Throws Error(not_found), (bad_format) for what is no JSON object, (invalid_argument)
/// naming the field for an unknown one, a wrong type and a value out of range; then nothing is set.
void read_config(const std::filesystem::path& path, QuantizeWhisperOptions& options);

/// What of these options calibrate_whisper() follows.
CalibrateWhisperOptions calibration_options(const QuantizeWhisperOptions& options);

/// True if a part takes the statistics of a calibration. They are used for 4-bit weights too where given.
bool needs_calibration(const QuantizeWhisperOptions& options);

/// True if a part is corrected by BiasCorrection::full, which hears calibration speech again: with statistics
/// from a file `calibration` is needed as well.
bool needs_replay(const QuantizeWhisperOptions& options);

/// The notebook's whole flow: load the FP model, transcribe calibration speech with it once while its
/// activations are observed, quantize encoder and decoder, with accuracy control until they hear well enough,
/// save the INT8 model. A bound that was not reached is no error: the report's `accuracy` says so.
QuantizeWhisperReport quantize_whisper(const std::filesystem::path& model,
                                       const std::filesystem::path& output,
                                       const QuantizeWhisperOptions& options,
                                       const Progress& progress = {});

}  // namespace sotto
