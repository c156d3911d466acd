#include "transcribe/runtime_info.h"

#include <set>
#include <string_view>

#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/properties.hpp>

namespace sotto::transcribe {
namespace {

// Keys of OpenVINO's execution graph (its exec_model_info, which the wheel has no header of).
constexpr std::string_view kLayerType = "layerType";
constexpr std::string_view kKernel = "primitiveType";

const std::set<std::string, std::less<>> kMatrixLayers = {"Convolution", "FullyConnected", "MatMul",
                                                          "ScaledDotProductAttention"};

std::string text_of(const ov::Node& node, std::string_view key) {
  const auto& info = node.get_rt_info();
  const auto found = info.find(std::string(key));
  return found == info.end() ? "" : found->second.as<std::string>();
}

}  // namespace

std::map<std::string, int> executed_kernels(const ov::CompiledModel& model) {
  std::map<std::string, int> kernels;
  for (const auto& node : model.get_runtime_model()->get_ops()) {
    std::string layer = text_of(*node, kLayerType);
    if (kMatrixLayers.contains(layer)) {
      ++kernels[layer + " " + text_of(*node, kKernel)];
    }
  }
  return kernels;
}

std::string inference_precision(const ov::CompiledModel& model) {
  const auto properties = model.get_property(ov::supported_properties);
  for (const auto& property : properties) {
    if (property == ov::hint::inference_precision.name()) {
      return model.get_property(ov::hint::inference_precision).to_string();
    }
  }
  return "";
}

}  // namespace sotto::transcribe
