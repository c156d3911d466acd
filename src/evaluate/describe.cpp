#include <openvino/op/constant.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/openvino.hpp>

#include "sotto/evaluate.h"

namespace sotto::evaluate {
namespace {

GraphDescription describe_graph(const ov::Model& graph) {
  GraphDescription description;
  for (const auto& node : graph.get_ops()) {
    ++description.n_operations;
    if (const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node)) {
      description.weight_bytes[constant->get_element_type().to_string()] += constant->get_byte_size();
    }
    if (ov::is_type<ov::op::v0::FakeQuantize>(node)) {
      ++description.n_fake_quantize;
    }
  }
  if (graph.has_rt_info("sotto", "quantization")) {
    description.quantization = graph.get_rt_info<std::string>("sotto", "quantization");
  }
  return description;
}

}  // namespace

ModelDescription describe(const std::filesystem::path& directory) {
  ModelDescription description;
  description.directory = directory;
  description.is_ir = model::is_ir_directory(directory);
  const model::WhisperModel whisper = description.is_ir ? model::load(directory) : model::build(directory);
  description.dims = whisper.dims;
  description.generation = whisper.generation;
  if (description.is_ir) {
    description.size = model::measure_size(directory);
  }
  description.encoder = describe_graph(*whisper.encoder);
  description.decoder = describe_graph(*whisper.decoder);
  return description;
}

}  // namespace sotto::evaluate
