#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sotto/log.h"

namespace ov {
class InferRequest;
class Model;
}  // namespace ov

namespace sotto::quantize {

enum class Preset { performance, mixed };                                 ///< mixed: asymmetric activations
enum class QuantizationMode { preset, symmetric, asymmetric };            ///< preset: as the preset has it
enum class OverflowFix { automatic, enable, first_layer_only, disable };  ///< half-range weights without VNNI

/// Whose behaviour the options follow where they leave a choice; see resolved().
enum class Parity { none, nncf };

/// How biases make up for what quantizing takes from the mean output of a layer.
/// per_channel: for weights and activations, each channel where that lowers the error; layers without a bias
/// get one where it helps. fast: NNCF's FastBiasCorrection, for weights only and whole layers only. full:
/// NNCF's BiasCorrection, one layer after the other with those before it quantized and corrected, by running
/// samples again, which takes long.
enum class BiasCorrection { none, per_channel, fast, full };

/// How the minima (or maxima) of the samples become one bound. "no_outliers" leaves out samples beyond the
/// quantiles outlier_probability and 1 - outlier_probability. The last two look at the tokens that
/// calibration kept instead, so they estimate what NNCF takes from every value: quantile is
/// outlier_probability (or 1 less it) of all values, histogram the range with the least squared error, of
/// both ends or none. Tensors of which no tokens are kept take the mean.
enum class Aggregator {
  minimum,
  maximum,
  mean,
  median,
  mean_no_outliers,
  median_no_outliers,
  quantile,
  histogram,
};

/// How the range of an activation is chosen; NNCF's RangeEstimatorParameters with statistics MIN and MAX, or
/// QUANTILE and HISTOGRAM as one more aggregator.
struct RangeEstimator {
  Aggregator min = Aggregator::mean;
  Aggregator max = Aggregator::mean;
  double outlier_probability = 1e-4;  ///< 0 to 0.5
};

/// Every node on a path from one of the inputs to one of the outputs, both included; friendly names.
struct Subgraph {
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
};

/// Layers left in floating point; NNCF's IgnoredScope.
struct IgnoredScope {
  std::vector<std::string> names = {};     ///< exact friendly names
  std::vector<std::string> patterns = {};  ///< ECMAScript regular expressions matched from the name's start
  std::vector<std::string> types = {};     ///< OpenVINO type names, for example "MatMul"
  std::vector<Subgraph> subgraphs = {};
  bool validate = true;  ///< Error(not_found) if a rule matches nothing
};

/// Options of post-training quantization under NNCF's names. What NNCF 3.4 does for transformers is one
/// option away, parity; without it what is left to choose is chosen by error.
struct QuantizeOptions {
  Parity parity = Parity::none;
  Preset preset = Preset::mixed;
  /// Of activations, as `mode` of NNCF's activations_quantization_params. Products of two activations and
  /// inputs of ScaledDotProductAttention are symmetric in any case.
  QuantizationMode activations_quantization_mode = QuantizationMode::preset;
  /// Inputs of depthwise convolutions by channel, as NNCF and OpenVINO have it for no other layer.
  bool activations_per_channel = true;
  /// Of weights, as `mode` of NNCF's weights_quantization_params; symmetric in both presets. Asymmetric: i8
  /// with a zero point, for which half range does not exist. The CPU then computes MatMul in floating point.
  QuantizationMode weights_quantization_mode = QuantizationMode::preset;
  bool weights_per_channel = true;   ///< a range for each output channel; false: one for the weight
  double smooth_quant_alpha = 0.95;  ///< MatMul, 0..1; negative switches SmoothQuant off
  double smooth_quant_alpha_convolution = -1.0;  ///< Convolution, the same
  /// Choose the alpha of each group of MatMuls, or no smoothing, by the error quantizing then causes for a
  /// sample of tokens; smooth_quant_alpha is one of the candidates, and is taken where no tokens are kept.
  bool smooth_quant_search = true;
  /// Multiply smoothing scales into the affine part of the normalization before, where nothing else reads it;
  /// off, or where that is not possible: a Multiply of their own.
  bool smooth_quant_fold = true;
  BiasCorrection bias_correction = BiasCorrection::per_channel;
  /// Of BiasCorrection::fast and full: largest |shift / bias| of a layer that is still corrected; nullopt:
  /// NNCF's 2 and 1000.
  std::optional<double> bias_correction_threshold = {};
  OverflowFix overflow_fix = OverflowFix::automatic;
  bool compress_weights = true;  ///< store i8 constants; false keeps FakeQuantize on the weights
  IgnoredScope ignored_scope = {};
  /// Quantize Q and K of ScaledDotProductAttention as NNCF does. In a graph without state the CPU then runs
  /// q · kᵀ in INT8. In a decoder the quantizers would run over the whole K cache at every step and keep the
  /// cache from being fused, so it is off by default. Needs statistics taken with the same option on.
  bool attention_inputs = false;
  /// How every activation range is chosen, if set; ranges by channel take the extremes otherwise.
  std::optional<RangeEstimator> activation_range = {};
  /// Without activation_range: choose each range between NNCF's (the mean over inferences of minima and
  /// maxima, which cuts off about half of them) and the extremes, by the error it causes in the layers behind
  /// for a sample of tokens; NNCF's where tokens are not kept. Off: NNCF's.
  bool search_ranges = true;
  bool quantize_outputs = false;  ///< put quantizers before the model's results too
};

/// The options quantize() works with: Parity::nncf sets what it decides (search_ranges, smooth_quant_search,
/// smooth_quant_fold, attention_inputs, fast bias correction where there is any, half range for the first
/// layer where that is automatic). CollectorOptions are taken from what this returns.
QuantizeOptions resolved(QuantizeOptions options);

/// What one algorithm did to one layer, or why it did nothing.
struct StepReport {
  std::string algorithm;  ///< "smooth_quant", "min_max", "bias_correction", "fast_bias_correction",
                          ///< "full_bias_correction",
                          ///< "compress_weights", "output_error", "awq", "weight_compression"
  std::string node;       ///< friendly name
  bool done = false;
  std::string reason;  ///< why not, empty if done
  /// smooth_quant: smallest over largest scale; min_max: width of the range; bias_correction: share of the
  /// channels changed; fast_ and full_bias_correction: largest |shift / bias|; compress_weights and
  /// weight_compression: signal to quantization noise of the weight, dB; output_error: the same of the
  /// layer's output for the tokens that calibration kept; awq: what the outputs gain, dB.
  double value = 0.0;
};

/// What calibration keeps of a model's activations: per observed tensor and inference, the minimum and
/// maximum of each channel, running means, and a few tokens. Independent of every quantization option.
class Statistics {
 public:
  struct Impl;
  Statistics();
  ~Statistics();
  Statistics(Statistics&&) noexcept;
  Statistics& operator=(Statistics&&) noexcept;
  /// Inferences observed.
  std::size_t n_samples() const;
  /// Bytes held in memory.
  std::size_t size_bytes() const;
  /// False of one made from nothing or moved from.
  bool has_value() const { return impl_ != nullptr; }

  /// Writes a file that load() reads; it appears complete or not at all. Throws Error(io).
  void save(const std::filesystem::path& path) const;
  /// Throws Error(not_found), or Error(bad_format) for a file that is not one, is cut or was changed.
  static Statistics load(const std::filesystem::path& path);
  /// Adds the samples of `other` behind these: what one pass over both would have taken. Throws
  /// Error(invalid_argument) for statistics of another model or taken with other options.
  void merge(const Statistics& other);
  /// Throws what merge() would.
  void expect_mergeable(const Statistics& other) const;

  const Impl& impl() const { return *impl_; }
  Impl& impl() { return *impl_; }
  explicit Statistics(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

/// The statistics of a pipeline's models in one file, and what they were taken from.
struct StatisticsSet {
  std::map<std::string, Statistics> parts = {};  ///< by a name of the caller's, for example "encoder"
  std::vector<std::string> inputs = {};          ///< what was run, for people: the ids of utterances
  double inputs_s = 0.0;                         ///< their length together where they have one, s
  std::string settings = {};                     ///< how it was run, for people
  std::string inference_precision = {};          ///< "f32", "bf16" or "f16"; empty where it is not known

  /// Writes a file that load() reads; it appears complete or not at all. Throws Error(io).
  void save(const std::filesystem::path& path) const;
  /// Throws Error(not_found), or Error(bad_format) for a file that is not one, is cut or was changed.
  static StatisticsSet load(const std::filesystem::path& path);
  /// Adds the samples and inputs of `other` behind these. Throws Error(invalid_argument) for other parts,
  /// for statistics of other models, taken with other options or in another precision, and then has changed
  /// nothing.
  void merge(const StatisticsSet& other);
};

/// What is known of a tensor of which every channel was observed.
struct TensorSummary {
  std::string node;  ///< friendly name of the node whose output it is
  std::size_t port = 0;
  std::size_t n_samples = 0;
  std::size_t n_channels = 1;
  float min = 0.0F;  ///< over all samples
  float max = 0.0F;
  std::vector<float> channel_magnitude;  ///< [n_channels] largest |x| of each
  float median_magnitude = 0.0F;         ///< of channel_magnitude
  /// Channels whose magnitude is more than ten times the median, largest first.
  std::vector<std::size_t> outlier_channels;
};
/// The tensors in the order of the model; those never seen have n_samples 0 and no channels.
std::vector<TensorSummary> summarize(const Statistics& statistics);

struct CollectorOptions {
  bool attention_inputs = false;  ///< observe Q and K of ScaledDotProductAttention; see QuantizeOptions
};

/// Takes Statistics while a model runs: run instrumented() in place of the model (same inputs, its
/// outputs behind those of the statistics) on the CPU with inference precision f32, and call observe() after
/// every inference, from one thread.
class Collector {
 public:
  /// The model is not changed. Throws Error(bad_format) for a dynamic rank, for an already quantized model
  /// and for weights that are not finite (naming the node).
  explicit Collector(std::shared_ptr<ov::Model> model, const CollectorOptions& options = {});
  ~Collector();
  Collector(Collector&&) noexcept;
  Collector& operator=(Collector&&) noexcept;

  /// A clone of the model with Results per observed tensor before its own.
  std::shared_ptr<ov::Model> instrumented() const;
  /// Reads the statistics outputs of a finished inference of the instrumented model. Throws
  /// Error(bad_format) naming the node whose activation is not finite.
  void observe(ov::InferRequest& request);
  /// What was observed so far; the collector starts again from nothing.
  Statistics take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct QuantizeResult {
  std::shared_ptr<ov::Model> model;
  std::vector<StepReport> steps;
};

/// Runs samples through a compiled form of a model again: for each inference sets those inputs of `request`
/// that the model itself has, resets its state where a sequence begins, and calls infer(). The same
/// inferences in the same order every time.
using Replay = std::function<void(ov::InferRequest& request, const std::function<void()>& infer)>;

/// INT8 post-training quantization of any OpenVINO model for which statistics were taken: SmoothQuant, then
/// MinMax with FakeQuantize placement for transformers, then bias correction, then i8 weights.
///
/// `model` is the one given to the Collector; it is not changed (constants are shared). Throws
/// Error(invalid_argument) for options out of range or statistics of another model or of no inference, and
/// for BiasCorrection::full without `replay`, which is for nothing else. Source: NNCF 3.4.0 quantize() with
/// model_type=TRANSFORMER.
QuantizeResult quantize(const std::shared_ptr<ov::Model>& model,
                        const Statistics& statistics,
                        const QuantizeOptions& options = {},
                        const Progress& progress = {},
                        const Replay& replay = {});

/// What weights are stored as; NNCF's CompressWeightsMode. asym: unsigned with a zero point; sym: signed.
enum class WeightMode { int8_asym, int8_sym, int4_asym, int4_sym };

/// Options of weight-only quantization under NNCF's names.
struct CompressWeightsOptions {
  WeightMode mode = WeightMode::int8_asym;
  /// Of 4-bit modes: weights of an output channel that share a scale; -1: all of it. A layer whose number of
  /// input channels is no multiple takes the largest power of two from 32 on that is.
  int group_size = 128;
  /// Of 4-bit modes: share of the weights that take 4 bits; those layers stay at 8 (int8_asym) whose outputs
  /// 4 bits would change most.
  double ratio = 1.0;
  bool all_layers = false;  ///< 4 bits for token tables and the last MatMul too, which else take 8
  /// Of 4-bit modes: choose each scale by the error it leads to, channels weighted by their input's square
  /// where statistics are given.
  bool scale_estimation = true;
  /// Of 4-bit modes, where statistics are given: scale input channels by their activations before rounding
  /// and the normalization before the other way, where the outputs get clearly better by it (AWQ).
  bool awq = true;
  IgnoredScope ignored_scope = {};
};

/// Stores weights of MatMul, Convolution and token tables in 8 or 4 bits and computes in floating point: for
/// models whose cost is reading their weights. Each is followed by what gives its values back, Convert,
/// Subtract (asym), Multiply, Reshape (groups), Convert, which the CPU plugin takes into the layer.
///
/// `statistics` are optional. Throws Error(invalid_argument) for options out of range or statistics of
/// another model, (bad_format) for an already quantized model and for weights that are not finite. Source:
/// NNCF 3.4.0, compress_weights().
QuantizeResult compress_weights(const std::shared_ptr<ov::Model>& model,
                                const CompressWeightsOptions& options = {},
                                const Statistics* statistics = nullptr,
                                const Progress& progress = {});

}  // namespace sotto::quantize
