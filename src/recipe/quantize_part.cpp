#include "recipe/quantize_part.h"

#include <string>

#include <fmt/format.h>
#include <openvino/core/model.hpp>

namespace sotto {
namespace {

/// Writes into a graph what it was quantized with, for people and for evaluate::describe().
void note_options(ov::Model& graph, const quantize::QuantizeOptions& options, std::size_t n_utterances) {
  const bool smooth = options.smooth_quant_alpha >= 0.0;
  graph.set_rt_info(
      fmt::format("{} preset, SmoothQuant {}, fast bias correction {}, {} calibration utterances",
                  options.preset == quantize::Preset::mixed ? "mixed" : "performance",
                  smooth ? fmt::format("{:g}", options.smooth_quant_alpha) : "off",
                  options.fast_bias_correction ? "on" : "off", n_utterances),
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
  auto result = quantize::quantize(fp, *input.statistics, input.options, progress);
  note_options(*result.model, input.options, input.n_utterances);
  return result;
}

}  // namespace sotto
