#include "recipe/quantize_part.h"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <openvino/core/model.hpp>

namespace sotto {
namespace {

std::string smoothing_text(const quantize::QuantizeOptions& options) {
  if (options.smooth_quant_alpha < 0.0) {
    return "off";
  }
  return options.smooth_quant_search ? "chosen by error" : fmt::format("{:g}", options.smooth_quant_alpha);
}

std::string_view bias_correction_text(quantize::BiasCorrection correction) {
  switch (correction) {
    case quantize::BiasCorrection::none:
      return "off";
    case quantize::BiasCorrection::fast:
      return "fast";
    case quantize::BiasCorrection::full:
      return "full";
    case quantize::BiasCorrection::per_channel:
      break;
  }
  return "per channel";
}

/// Writes into a graph what it was quantized with, for people and for evaluate::describe().
void note_options(ov::Model& graph, const quantize::QuantizeOptions& asked, std::size_t n_utterances) {
  const quantize::QuantizeOptions options = resolved(asked);
  graph.set_rt_info(
      fmt::format("{} preset, SmoothQuant {}, bias correction {}, {} calibration utterances",
                  options.preset == quantize::Preset::mixed ? "mixed" : "performance",
                  smoothing_text(options), bias_correction_text(options.bias_correction), n_utterances),
      "sotto", "quantization");
}

quantize::CompressWeightsOptions weights_of(PartFormat format, quantize::CompressWeightsOptions options) {
  using quantize::WeightMode;
  const bool is_4_bit = options.mode == WeightMode::int4_asym || options.mode == WeightMode::int4_sym;
  if (is_4_bit != (format == PartFormat::int4_weights)) {
    options.mode = is_4_bit ? WeightMode::int8_asym : WeightMode::int4_asym;
  }
  return options;
}

}  // namespace

quantize::QuantizeResult quantize_part(const std::shared_ptr<ov::Model>& fp,
                                       PartFormat format,
                                       const PartInput& input,
                                       const Progress& progress) {
  switch (format) {
    case PartFormat::fp:
      return {fp, {}};
    case PartFormat::int8_weights:
    case PartFormat::int4_weights: {
      auto result = compress_weights(fp, weights_of(format, input.weights), input.statistics, progress);
      result.model->set_rt_info(std::string(format == PartFormat::int8_weights ? "8" : "4") + "-bit weights",
                                "sotto", "quantization");
      return result;
    }
    case PartFormat::int8:
    case PartFormat::automatic:
      break;
  }
  auto result = quantize::quantize(fp, *input.statistics, input.options, progress, input.replay);
  note_options(*result.model, input.options, input.n_utterances);
  return result;
}

}  // namespace sotto
