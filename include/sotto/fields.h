#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sotto/benchmark.h"
#include "sotto/data_set.h"
#include "sotto/listen.h"
#include "sotto/model.h"
#include "sotto/quantize.h"
#include "sotto/recipe.h"
#include "sotto/subtitles.h"
#include "sotto/transcribe.h"

namespace sotto {

/// What a front end (command line, JSON, server, Python) needs to know of an option besides its value.
struct Field {
  std::string_view name;  ///< the member's name; openai-whisper's or NNCF's where they have the option
  std::string_view help;  ///< one sentence without a full stop
  double min = -std::numeric_limits<double>::infinity();  ///< of a number, included
  double max = std::numeric_limits<double>::infinity();
  std::optional<double> none =
      std::nullopt;  ///< of a number: the value that openai-whisper's None stands for
};

/// The names of an enum's values as users write them.
template <typename Enum>
struct EnumNames;

template <>
struct EnumNames<transcribe::Task> {
  static constexpr std::array<std::pair<std::string_view, transcribe::Task>, 2> values = {
      {{"transcribe", transcribe::Task::transcribe}, {"translate", transcribe::Task::translate}}};
};

template <>
struct EnumNames<transcribe::Engine> {
  static constexpr std::array<std::pair<std::string_view, transcribe::Engine>, 2> values = {
      {{"auto", transcribe::Engine::automatic}, {"openvino", transcribe::Engine::openvino}}};
};

template <>
struct EnumNames<subtitles::Layout> {
  static constexpr std::array<std::pair<std::string_view, subtitles::Layout>, 2> values = {
      {{"readable", subtitles::Layout::readable}, {"segments", subtitles::Layout::segments}}};
};

template <>
struct EnumNames<model::WeightFormat> {
  static constexpr std::array<std::pair<std::string_view, model::WeightFormat>, 3> values = {
      {{"fp32", model::WeightFormat::fp32},
       {"fp16", model::WeightFormat::fp16},
       {"bf16", model::WeightFormat::bf16}}};
};

template <>
struct EnumNames<model::Layout> {
  static constexpr std::array<std::pair<std::string_view, model::Layout>, 3> values = {
      {{"openvino", model::Layout::openvino},
       {"notebook", model::Layout::notebook},
       {"whisper.cpp", model::Layout::whisper_cpp}}};
};

template <>
struct EnumNames<quantize::Preset> {
  static constexpr std::array<std::pair<std::string_view, quantize::Preset>, 2> values = {
      {{"performance", quantize::Preset::performance}, {"mixed", quantize::Preset::mixed}}};
};

template <>
struct EnumNames<quantize::QuantizationMode> {
  static constexpr std::array<std::pair<std::string_view, quantize::QuantizationMode>, 3> values = {
      {{"preset", quantize::QuantizationMode::preset},
       {"symmetric", quantize::QuantizationMode::symmetric},
       {"asymmetric", quantize::QuantizationMode::asymmetric}}};
};

template <>
struct EnumNames<quantize::OverflowFix> {
  static constexpr std::array<std::pair<std::string_view, quantize::OverflowFix>, 4> values = {
      {{"automatic", quantize::OverflowFix::automatic},
       {"enable", quantize::OverflowFix::enable},
       {"first_layer_only", quantize::OverflowFix::first_layer_only},
       {"disable", quantize::OverflowFix::disable}}};
};

template <>
struct EnumNames<evaluate::BenchmarkHint> {
  static constexpr std::array<std::pair<std::string_view, evaluate::BenchmarkHint>, 2> values = {
      {{"latency", evaluate::BenchmarkHint::latency}, {"throughput", evaluate::BenchmarkHint::throughput}}};
};

template <>
struct EnumNames<quantize::WeightMode> {
  static constexpr std::array<std::pair<std::string_view, quantize::WeightMode>, 4> values = {
      {{"int8_asym", quantize::WeightMode::int8_asym},
       {"int8_sym", quantize::WeightMode::int8_sym},
       {"int4_asym", quantize::WeightMode::int4_asym},
       {"int4_sym", quantize::WeightMode::int4_sym}}};
};

template <>
struct EnumNames<PartFormat> {
  static constexpr std::array<std::pair<std::string_view, PartFormat>, 5> values = {
      {{"int8", PartFormat::int8},
       {"int8_weights", PartFormat::int8_weights},
       {"int4_weights", PartFormat::int4_weights},
       {"fp", PartFormat::fp},
       {"auto", PartFormat::automatic}}};
};

template <>
struct EnumNames<quantize::Parity> {
  static constexpr std::array<std::pair<std::string_view, quantize::Parity>, 2> values = {
      {{"none", quantize::Parity::none}, {"nncf", quantize::Parity::nncf}}};
};

template <>
struct EnumNames<quantize::BiasCorrection> {
  static constexpr std::array<std::pair<std::string_view, quantize::BiasCorrection>, 4> values = {
      {{"none", quantize::BiasCorrection::none},
       {"per_channel", quantize::BiasCorrection::per_channel},
       {"fast", quantize::BiasCorrection::fast},
       {"full", quantize::BiasCorrection::full}}};
};

template <>
struct EnumNames<quantize::Aggregator> {
  static constexpr std::array<std::pair<std::string_view, quantize::Aggregator>, 8> values = {
      {{"min", quantize::Aggregator::minimum},
       {"max", quantize::Aggregator::maximum},
       {"mean", quantize::Aggregator::mean},
       {"median", quantize::Aggregator::median},
       {"mean_no_outliers", quantize::Aggregator::mean_no_outliers},
       {"median_no_outliers", quantize::Aggregator::median_no_outliers},
       {"quantile", quantize::Aggregator::quantile},
       {"histogram", quantize::Aggregator::histogram}}};
};

/// `Options`, const or not.
template <typename T, typename Options>
concept FieldsOf = std::same_as<std::remove_const_t<T>, Options>;

/// Calls visit(Field, member) for every option, in the order a reader wants them.
template <FieldsOf<model::ConvertOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"weight_format", "how weights are stored: fp16, fp32 or bf16; those of an IR stay"},
        o.weight_format);
  visit(
      Field{"layout",
            "openvino: the directory of optimum-intel and openvino.genai; notebook: the pair of the OpenVINO "
            "notebook; whisper.cpp: the encoder it loads"},
      o.layout);
  visit(Field{"lift", "of a notebook's pair: keep state, compute cross-attention's keys and values once"},
        o.lift);
}

template <FieldsOf<transcribe::SessionOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"device", "OpenVINO device to run on: CPU, GPU, AUTO, ..."}, o.device);
  visit(Field{"inference_precision", "f32, bf16 or f16; empty: the device's own choice"},
        o.inference_precision);
  visit(Field{"threads", "threads of the CPU; 0: the device's own choice", 0, 4096}, o.threads);
  visit(Field{"low_memory", "load one part after the other: less memory at the start, more time"},
        o.low_memory);
  visit(Field{"engine", "who computes on a CPU: auto, sotto's own loops where they are faster; openvino"},
        o.engine);
}

template <FieldsOf<transcribe::ListenOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"partial_interval_s", "of new sound between two partial results; 0: none", 0, 30},
        o.partial_interval_s);
}

template <FieldsOf<transcribe::TranscribeOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  visit(Field{"task", "transcribe: write what is said; translate: write it in English"}, o.task);
  visit(Field{"language", "language spoken, a name or a code; auto: detect it"}, o.language);
  visit(Field{"languages", "auto chooses among these only: en,de,..."}, o.languages);
  visit(Field{"multilingual", "hear the language of every window anew, for recordings of several"},
        o.multilingual);
  visit(Field{"language_detection_segments", "windows of 30 s that auto hears at most until one is sure", 1,
              20},
        o.language_detection_segments);
  visit(Field{"language_detection_threshold", "a language with a larger probability is sure", 0, 1},
        o.language_detection_threshold);
  visit(Field{"temperatures", "tried in turn until the result passes; 0 is greedy or beam search", 0, 10},
        o.temperatures);
  visit(Field{"beam_size", "beams at temperature 0; 0 or None: greedy", 0, 100, 0}, o.beam_size);
  visit(Field{"best_of", "samples drawn at temperatures above 0", 1, 100, 1}, o.best_of);
  visit(Field{"patience", "beam search goes on until beam_size * patience results are complete", 0, 100, 1.0},
        o.patience);
  visit(Field{"length_penalty", "Google NMT's alpha; None: divide by length", 0, 1}, o.length_penalty);
  visit(Field{"compression_ratio_threshold",
              "a larger gzip ratio of the text counts as a loop: next temperature", 0, kNone, kNone},
        o.compression_ratio_threshold);
  visit(Field{"logprob_threshold", "a lower mean log-probability: next temperature", -kNone, 0, -kNone},
        o.logprob_threshold);
  visit(Field{"no_speech_threshold", "a higher no-speech probability with a low mean: no text", 0, kNone,
              kNone},
        o.no_speech_threshold);
  visit(Field{"condition_on_previous_text", "show the decoder what was said before"},
        o.condition_on_previous_text);
  visit(Field{"prompt_reset_on_temperature", "above it the previous text is not shown", 0, kNone},
        o.prompt_reset_on_temperature);
  visit(Field{"initial_prompt", "text shown to the decoder as if said before"}, o.initial_prompt);
  visit(Field{"carry_initial_prompt", "before every window, not before the first only"},
        o.carry_initial_prompt);
  visit(Field{"prefix", "text that every window is taken to begin with"}, o.prefix);
  visit(Field{"clip_timestamps",
              "start,end,start,end,... of the stretches to hear, s; the last end may be missing", 0},
        o.clip_timestamps);
  visit(Field{"word_timestamps", "times of words too; readable subtitles turn it on"}, o.word_timestamps);
  visit(Field{"prepend_punctuations", "marks that belong to the word behind them"}, o.prepend_punctuations);
  visit(Field{"append_punctuations", "marks that belong to the word before them"}, o.append_punctuations);
  visit(
      Field{"hallucination_silence_threshold",
            "with word times: silence longer than this, s, around what is likely made up is skipped with it",
            0},
      o.hallucination_silence_threshold);
  visit(Field{"without_timestamps", "text only, no times within a window"}, o.without_timestamps);
  visit(Field{"max_initial_timestamp", "latest start of a window's first segment, s", 0, 30},
        o.max_initial_timestamp);
  visit(Field{"suppress_blank", "no empty beginnings"}, o.suppress_blank);
  visit(Field{"suppress_tokens", "token ids never produced; -1: Whisper's symbols that are not speech", -1},
        o.suppress_tokens);
  visit(Field{"sample_len", "most tokens in a window; 0: half the text context", 0, 10000}, o.sample_len);
  visit(Field{"repetition_penalty", "above 1: what was said is less likely to be said again", 0.01, 100},
        o.repetition_penalty);
  visit(
      Field{"no_repeat_ngram_size", "sequences of so many tokens are said once in a window; 0: any", 0, 1000},
      o.no_repeat_ngram_size);
  visit(Field{"max_loop", "a sequence said more often in a row: next temperature; 0: any", 0, 1000},
        o.max_loop);
  visit(Field{"hotwords", "words to expect, shown before every window unless there is a prefix"}, o.hotwords);
  visit(Field{"suppress_numerals", "no digits or %, $, £: numbers are written as words"},
        o.suppress_numerals);
  visit(Field{"suppress_regex", "tokens that it matches as a whole are never produced"}, o.suppress_regex);
  visit(Field{"vad_filter", "find silence by a small detector of speech, and do not hear it"}, o.vad_filter);
  visit(Field{"vad_threshold", "speech begins where it is likelier", 0, 1}, o.vad_threshold);
  visit(Field{"vad_neg_threshold", "speech ends where it is less likely; None: vad_threshold - 0.15", 0, 1},
        o.vad_neg_threshold);
  visit(Field{"vad_min_speech_duration_ms", "shorter speech is left out", 0, 1e6},
        o.vad_min_speech_duration_ms);
  visit(Field{"vad_max_speech_duration_s", "longer speech is cut at a pause", 1, 30},
        o.vad_max_speech_duration_s);
  visit(Field{"vad_min_silence_duration_ms", "shorter silence is part of the speech around it", 0, 1e6},
        o.vad_min_silence_duration_ms);
  visit(Field{"vad_speech_pad_ms", "heard before and behind speech", 0, 1e6}, o.vad_speech_pad_ms);
  visit(
      Field{"batch_size",
            "windows decoded together, cut at pauses and not shown the text before; 0: chosen by threads and "
            "memory",
            0, 64},
      o.batch_size);
  visit(Field{"seed", "of the sampling at temperatures above 0", 0, kNone}, o.seed);
}

template <FieldsOf<subtitles::LayoutOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  visit(Field{"layout", "readable: cut and timed to be read; segments: as openai-whisper cuts them"},
        o.layout);
  visit(Field{"max_line_width", "columns of a line; 0 or None: 42 if readable, else no limit", 0, 1000, 0},
        o.max_line_width);
  visit(Field{"max_line_count", "lines shown at once; 0 or None: 2 if readable, else no limit", 0, 100, 0},
        o.max_line_count);
  visit(Field{"max_words_per_line", "words of a line; 0 or None: no limit", 0, 1000, 0},
        o.max_words_per_line);
  visit(Field{"highlight_words", "show which word is being said"}, o.highlight_words);
  visit(Field{"max_chars_per_second", "a cue stays longer for it where the next one leaves room", 1, kNone},
        o.max_chars_per_second);
  visit(Field{"min_cue_duration", "s, where the next cue leaves room", 0, 10}, o.min_cue_duration);
  visit(Field{"max_cue_duration", "s", 0.1, kNone}, o.max_cue_duration);
  visit(Field{"min_cue_gap", "s between cues", 0, 1}, o.min_cue_gap);
  visit(Field{"speaker", "who speaks: <v> in vtt, the name in ass"}, o.speaker);
}

/// `session` has fields of its own.
template <FieldsOf<evaluate::BenchmarkOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"hint", "latency: one request at a time; throughput: as many as the device likes best"},
        o.hint);
  visit(Field{"streams", "parallel streams of the device; 0: its own choice for the hint", 0, 4096},
        o.streams);
  visit(Field{"requests", "inferences at once; 0: as many as the device says are best", 0, 4096}, o.requests);
  visit(Field{"seconds", "how long encoder and decoder each run", 0.01, 86400}, o.seconds);
  visit(Field{"decoder_tokens", "steps of one token after each prompt", 1, 10000}, o.decoder_tokens);
}

template <FieldsOf<evaluate::DataOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"take", "utterances to use; 0: all", 0, 1e9}, o.take);
  visit(Field{"skip", "utterances passed over before", 0, 1e9}, o.skip);
  visit(Field{"shuffle", "take utterances in a random order, which seed decides"}, o.shuffle);
  visit(Field{"seed", "of the order", 0}, o.seed);
}

/// `test` and `data` have fields of their own kind.
template <FieldsOf<AccuracyControlOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"max_drop", "points of word accuracy quantizing may cost; layers go back until it does not", 0,
              100},
        o.max_drop);
  visit(Field{"max_num_iterations", "quantized models measured at most; 0: as many as it takes", 0, 1e6},
        o.max_num_iterations);
  visit(Field{"ignore_noise",
              "no layer goes back for a drop that a paired bootstrap of 30 utterances or more does not show"},
        o.ignore_noise);
  visit(Field{"test", "speech with its words that accuracy is measured on"}, o.test);
  visit(Field{"data", "which utterances of it"}, o.data);
}

template <FieldsOf<quantize::Subgraph> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"inputs", "names of the nodes it begins with"}, o.inputs);
  visit(Field{"outputs", "names of the nodes it ends with"}, o.outputs);
}

template <FieldsOf<quantize::IgnoredScope> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"names", "layers left in floating point, by exact name"}, o.names);
  visit(Field{"patterns", "the same by regular expression, matched from the name's start"}, o.patterns);
  visit(Field{"types", "the same by OpenVINO type, for example MatMul"}, o.types);
  visit(Field{"subgraphs", "all between two sets of nodes, as \"INPUT,... -> OUTPUT,...\""}, o.subgraphs);
  visit(Field{"validate", "a rule that matches no layer is an error"}, o.validate);
}

template <FieldsOf<quantize::RangeEstimator> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"min",
              "do not search ranges: what the minima of all inferences become, min, max, mean, median, "
              "mean_no_outliers or median_no_outliers; or, from the tokens kept, quantile or histogram"},
        o.min);
  visit(Field{"max", "the same of the maxima"}, o.max);
  visit(Field{"outlier_probability",
              "no_outliers: share of the inferences left out at each end; quantile: of the values", 0, 0.5},
        o.outlier_probability);
}

/// `ignored_scope` and `activation_range` are visited as one member each, with fields of their own.
template <FieldsOf<quantize::QuantizeOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  visit(Field{"parity", "nncf: do everything as NNCF does; none: what is left to choose is chosen by error"},
        o.parity);
  visit(Field{"preset", "performance: symmetric activations; mixed: asymmetric ones"}, o.preset);
  visit(Field{"activations_quantization_mode", "symmetric or asymmetric activations, whatever the preset"},
        o.activations_quantization_mode);
  visit(Field{"activations_per_channel", "ranges by channel where depthwise convolutions read them"},
        o.activations_per_channel);
  visit(
      Field{"weights_quantization_mode",
            "symmetric (as both presets have it) or asymmetric weights, whose MatMul is computed in floating "
            "point"},
      o.weights_quantization_mode);
  visit(Field{"weights_per_channel", "a range for each output channel of a weight, not one for all"},
        o.weights_per_channel);
  visit(
      Field{"smooth_quant_alpha", "share of the range moved into MatMul weights; -1: no SmoothQuant", -1, 1},
      o.smooth_quant_alpha);
  visit(Field{"smooth_quant_alpha_convolution", "the same for convolutions", -1, 1},
        o.smooth_quant_alpha_convolution);
  visit(Field{"smooth_quant_search",
              "choose alpha, or no smoothing, for each group of layers by the error it leads to"},
        o.smooth_quant_search);
  visit(Field{"smooth_quant_fold", "multiply smoothing scales into the normalization before, where exact"},
        o.smooth_quant_fold);
  visit(Field{"bias_correction",
              "make up in biases for what quantizing shifts: none, per_channel, or NNCF's fast or full; full "
              "hears a fifth of the calibration speech again for every few layers"},
        o.bias_correction);
  visit(Field{"bias_correction_threshold",
              "fast and full: largest |shift / bias| of a layer that is still corrected; else 2 and 1000", 0,
              kNone},
        o.bias_correction_threshold);
  visit(Field{"overflow_fix",
              "half-range weights against overflow: automatic (on processors without VNNI), enable, "
              "first_layer_only or disable"},
        o.overflow_fix);
  visit(Field{"compress_weights", "store weights as i8"}, o.compress_weights);
  visit(Field{"attention_inputs", "quantize Q and K of attention as NNCF does"}, o.attention_inputs);
  visit(Field{"activation_range", "how each activation's range follows from those of the inferences"},
        o.activation_range);
  visit(Field{"search_ranges", "choose activation ranges by the error they lead to"}, o.search_ranges);
  visit(Field{"quantize_outputs", "put quantizers before the model's results too"}, o.quantize_outputs);
  visit(Field{"ignored_scope", "layers left in floating point"}, o.ignored_scope);
}

template <FieldsOf<quantize::CompressWeightsOptions> Options, typename Visitor>
void visit_fields(Options& o, Visitor&& visit) {
  visit(Field{"mode", "weights stored as int8_asym, int8_sym, int4_asym or int4_sym"}, o.mode);
  visit(Field{"group_size", "4 bits: weights that share a scale; -1: a whole output channel", -1, 65536},
        o.group_size);
  visit(Field{"ratio", "4 bits: share of the weights that take them; the most sensitive layers take 8", 0, 1},
        o.ratio);
  visit(Field{"all_layers", "4 bits for token tables and the last MatMul too"}, o.all_layers);
  visit(Field{"scale_estimation", "4 bits: choose each scale by the error it leads to"}, o.scale_estimation);
  visit(Field{"awq", "4 bits: scale input channels by their activations where that helps; needs statistics"},
        o.awq);
  visit(Field{"ignored_scope", "layers left in floating point"}, o.ignored_scope);
}

}  // namespace sotto
