#include "quantize/op_table.h"

#include <algorithm>
#include <array>
#include <span>

namespace sotto::quantize {
namespace {

using namespace std::string_view_literals;

constexpr std::array kConvolutions = {"Convolution"sv, "GroupConvolution"sv, "ConvolutionBackpropData"sv,
                                      "GroupConvolutionBackpropData"sv};

constexpr std::array kQuantizable = {"Add"sv,
                                     "Subtract"sv,
                                     "Multiply"sv,
                                     "Divide"sv,
                                     "Minimum"sv,
                                     "Maximum"sv,
                                     "Less"sv,
                                     "LessEqual"sv,
                                     "Greater"sv,
                                     "GreaterEqual"sv,
                                     "Equal"sv,
                                     "NotEqual"sv,
                                     "LogicalAnd"sv,
                                     "LogicalOr"sv,
                                     "LogicalXor"sv,
                                     "LogicalNot"sv,
                                     "FloorMod"sv,
                                     "Power"sv,
                                     "Sqrt"sv,
                                     "AvgPool"sv,
                                     "NormalizeL2"sv,
                                     "ReduceMean"sv,
                                     "ReduceL2"sv,
                                     "ReduceSum"sv,
                                     "Interpolate"sv,
                                     "MVN"sv,
                                     "LSTMSequence"sv,
                                     "GRUSequence"sv,
                                     "SquaredDifference"sv,
                                     "GroupNormalization"sv,
                                     "BatchNormInference"sv,
                                     "AdaptiveAvgPool"sv,
                                     "ScaledDotProductAttention"sv};

constexpr std::array kAgnostic = {"MaxPool"sv,
                                  "AdaptiveMaxPool"sv,
                                  "ReduceMax"sv,
                                  "Reshape"sv,
                                  "Squeeze"sv,
                                  "Unsqueeze"sv,
                                  "Split"sv,
                                  "VariadicSplit"sv,
                                  "Transpose"sv,
                                  "Tile"sv,
                                  "StridedSlice"sv,
                                  "ShuffleChannels"sv,
                                  "Broadcast"sv,
                                  "Pad"sv,
                                  "ConvertLike"sv,
                                  "Gather"sv,
                                  "GatherND"sv,
                                  "GatherElements"sv,
                                  "ScatterUpdate"sv,
                                  "ScatterNDUpdate"sv,
                                  "ScatterElementsUpdate"sv,
                                  "DepthToSpace"sv,
                                  "SpaceToDepth"sv,
                                  "BatchToSpace"sv,
                                  "SpaceToBatch"sv};

constexpr std::array kKeepsAllValues = {"Reshape"sv, "Squeeze"sv, "Unsqueeze"sv, "Transpose"sv};

constexpr std::array kIgnoredInTransformers = {"Add"sv,
                                               "Power"sv,
                                               "Squeeze"sv,
                                               "Subtract"sv,
                                               "AvgPool"sv,
                                               "ReduceMean"sv,
                                               "ReduceL2"sv,
                                               "ReduceSum"sv,
                                               "SquaredDifference"sv,
                                               "MVN"sv,
                                               "GroupNormalization"sv,
                                               "BatchNormInference"sv,
                                               "Divide"sv,
                                               "Sqrt"sv,
                                               "Maximum"sv,
                                               "GreaterEqual"sv,
                                               "Greater"sv,
                                               "LessEqual"sv,
                                               "Less"sv,
                                               "NotEqual"sv,
                                               "Equal"sv,
                                               "Multiply"sv};

constexpr std::array kElementwise = {"Add"sv,        "Multiply"sv,   "Subtract"sv, "Divide"sv,
                                     "Less"sv,       "LessEqual"sv,  "Greater"sv,  "GreaterEqual"sv,
                                     "Equal"sv,      "NotEqual"sv,   "FloorMod"sv, "LogicalOr"sv,
                                     "LogicalXor"sv, "LogicalAnd"sv, "Maximum"sv,  "Minimum"sv};

bool one_of(std::span<const std::string_view> names, const ov::Node& node) {
  return std::ranges::find(names, type_name(node)) != names.end();
}

}  // namespace

std::string_view type_name(const ov::Node& node) {
  return node.get_type_info().name;
}

bool is_convolution(const ov::Node& node) {
  return one_of(kConvolutions, node);
}

bool is_matmul(const ov::Node& node) {
  return type_name(node) == "MatMul";
}

bool is_attention(const ov::Node& node) {
  return type_name(node) == "ScaledDotProductAttention";
}

bool is_depthwise_convolution(const ov::Node& node) {
  if (type_name(node) != "GroupConvolution" || node.get_input_partial_shape(0).rank().is_dynamic()) {
    return false;
  }
  const auto channels = node.get_input_partial_shape(0)[1];
  const auto groups = node.get_input_partial_shape(1)[0];
  return channels.is_static() && groups.is_static() && channels == groups && channels.get_length() > 1;
}

bool can_have_weights(const ov::Node& node) {
  const std::string_view type = type_name(node);
  return is_convolution(node) || is_matmul(node) || type == "LSTMSequence" || type == "GRUSequence" ||
         type == "Gather";
}

bool is_quantizable(const ov::Node& node) {
  return is_convolution(node) || is_matmul(node) || one_of(kQuantizable, node);
}

bool is_agnostic(const ov::Node& node) {
  return one_of(kAgnostic, node);
}

bool keeps_all_values(const ov::Node& node) {
  return one_of(kKeepsAllValues, node);
}

bool is_ignored_in_transformers(const ov::Node& node) {
  return one_of(kIgnoredInTransformers, node);
}

bool is_elementwise(const ov::Node& node) {
  return one_of(kElementwise, node);
}

}  // namespace sotto::quantize
