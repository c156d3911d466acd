// Quantizes an IR with the inputs of a directory, for comparison with NNCF:
//   sotto_quantize_ir MODEL.xml INPUTS OPTIONS.json OUTPUT.xml
// INPUTS holds NNNN/NAME.npy, one directory per inference and one array per model input. Options with a
// "weight_mode" compress weights only, without inputs.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <openvino/openvino.hpp>

#include "core/json_file.h"
#include "sotto/quantize.h"

namespace {

namespace fs = std::filesystem;
using sotto::quantize::Aggregator;
using sotto::quantize::OverflowFix;
using sotto::quantize::Preset;
using sotto::quantize::QuantizationMode;
using sotto::quantize::RangeEstimator;

/// Reads a C-ordered .npy file of format 1.0.
ov::Tensor read_npy(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::uint16_t n_header = 0;
  std::memcpy(&n_header, bytes.data() + 8, 2);
  const std::string header = bytes.substr(10, n_header);
  const std::map<std::string, ov::element::Type> types = {
      {"<f4", ov::element::f32}, {"<i8", ov::element::i64}, {"<i4", ov::element::i32}};
  const std::size_t at = header.find("'descr': '") + 10;
  std::string dims = header.substr(header.find('(') + 1);
  dims = dims.substr(0, dims.find(')'));
  std::replace(dims.begin(), dims.end(), ',', ' ');
  std::istringstream stream(dims);
  const std::vector<std::size_t> shape{std::istream_iterator<std::size_t>(stream), {}};
  ov::Tensor tensor(types.at(header.substr(at, 3)), ov::Shape(shape.begin(), shape.end()));
  std::memcpy(tensor.data(), bytes.data() + 10 + n_header, tensor.get_byte_size());
  return tensor;
}

sotto::quantize::QuantizeOptions read_options(const fs::path& path) {
  const nlohmann::json json = sotto::read_json_object(path);
  sotto::quantize::QuantizeOptions options{.parity = sotto::quantize::Parity::nncf};
  options.preset = json.value("preset", "mixed") == "mixed" ? Preset::mixed : Preset::performance;
  const std::map<std::string, QuantizationMode> modes = {{"preset", QuantizationMode::preset},
                                                         {"symmetric", QuantizationMode::symmetric},
                                                         {"asymmetric", QuantizationMode::asymmetric}};
  options.activations_quantization_mode = modes.at(json.value("activations_quantization_mode", "preset"));
  options.activations_per_channel = json.value("activations_per_channel", true);
  options.weights_quantization_mode = modes.at(json.value("weights_quantization_mode", "preset"));
  options.weights_per_channel = json.value("weights_per_channel", true);
  options.smooth_quant_alpha = json.value("smooth_quant_alpha", 0.95);
  options.smooth_quant_alpha_convolution = json.value("smooth_quant_alpha_convolution", -1.0);
  if (!json.value("fast_bias_correction", true)) {
    options.bias_correction = sotto::quantize::BiasCorrection::none;
  }
  if (json.value("full_bias_correction", false)) {
    options.bias_correction = sotto::quantize::BiasCorrection::full;
  }
  options.compress_weights = json.value("compress_weights", true);
  const std::map<std::string, OverflowFix> fixes = {{"enable", OverflowFix::enable},
                                                    {"first_layer_only", OverflowFix::first_layer_only},
                                                    {"disable", OverflowFix::disable}};
  options.overflow_fix = fixes.at(json.value("overflow_fix", "first_layer_only"));
  options.ignored_scope.names = json.value("ignored_names", std::vector<std::string>{});
  options.ignored_scope.patterns = json.value("ignored_patterns", std::vector<std::string>{});
  options.ignored_scope.types = json.value("ignored_types", std::vector<std::string>{});
  options.quantize_outputs = json.value("quantize_outputs", false);
  for (const auto& part : json.value("ignored_subgraphs", nlohmann::json::array())) {
    options.ignored_scope.subgraphs.push_back({part.at(0), part.at(1)});
  }
  if (json.contains("activation_range")) {
    const std::map<std::string, Aggregator> aggregators = {
        {"min", Aggregator::minimum},
        {"max", Aggregator::maximum},
        {"mean", Aggregator::mean},
        {"median", Aggregator::median},
        {"mean_no_outliers", Aggregator::mean_no_outliers},
        {"median_no_outliers", Aggregator::median_no_outliers}};
    const auto& range = json.at("activation_range");
    options.activation_range =
        RangeEstimator{aggregators.at(range.at(0)), aggregators.at(range.at(1)), range.at(2).get<double>()};
  }
  return options;
}

void compress(const std::shared_ptr<ov::Model>& model,
              const nlohmann::json& json,
              const std::string& output) {
  using sotto::quantize::WeightMode;
  const std::map<std::string, WeightMode> modes = {{"int8_asym", WeightMode::int8_asym},
                                                   {"int8_sym", WeightMode::int8_sym},
                                                   {"int4_asym", WeightMode::int4_asym},
                                                   {"int4_sym", WeightMode::int4_sym}};
  sotto::quantize::CompressWeightsOptions options;
  options.mode = modes.at(json.at("weight_mode"));
  options.group_size = json.at("group_size");
  options.all_layers = json.at("all_layers");
  options.scale_estimation = false;
  options.awq = false;
  ov::save_model(compress_weights(model, options).model, output, false);
}

/// The inputs of a sample.
void give(ov::InferRequest& request, const fs::path& sample) {
  for (const auto& file : fs::directory_iterator(sample)) {
    if (file.path().extension() == ".npy") {
      request.set_tensor(file.path().stem().string(), read_npy(file.path()));
    }
  }
  if (!fs::exists(sample / "keep_state")) {
    request.reset_state();
  }
}

void run(const std::vector<std::string>& args) {
  ov::Core core;
  const auto model = core.read_model(args[1]);
  if (const auto json = sotto::read_json_object(args[3]); json.contains("weight_mode")) {
    compress(model, json, args[4]);
    return;
  }
  sotto::quantize::Collector collector(model, {.attention_inputs = true});
  auto compiled =
      core.compile_model(collector.instrumented(), "CPU", ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  std::vector<fs::path> samples{fs::directory_iterator(args[2]), {}};
  std::ranges::sort(samples);
  for (const fs::path& sample : samples) {
    give(request, sample);
    request.infer();
    collector.observe(request);
  }
  samples.resize(std::max<std::size_t>(samples.size() / 5, 1));  // as NNCF, for full bias correction
  const sotto::quantize::Replay replay = [&](ov::InferRequest& part, const std::function<void()>& infer) {
    for (const fs::path& sample : samples) {
      give(part, sample);
      infer();
    }
  };
  const auto result = sotto::quantize::quantize(model, collector.take(), read_options(args[3]), {}, replay);
  ov::save_model(result.model, args[4], false);
  auto report = nlohmann::json::array();
  for (const auto& step : result.steps) {
    report.push_back(
        {{"algorithm", step.algorithm}, {"node", step.node}, {"done", step.done}, {"reason", step.reason}});
  }
  std::ofstream(fs::path(args[4]).replace_extension(".json")) << report.dump(1);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv, argv + argc);
  if (args.size() != 5) {
    std::cerr << "usage: sotto_quantize_ir MODEL.xml INPUTS OPTIONS.json OUTPUT.xml\n";
    return 2;
  }
  try {
    run(args);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}
