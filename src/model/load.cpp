#include <fmt/format.h>
#include <openvino/openvino.hpp>

#include "model/ir_error.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

constexpr const char* kEncoder = "openvino_encoder_model.xml";
constexpr const char* kDecoder = "openvino_decoder_model.xml";

struct Port {
  std::string name;
  ov::PartialShape shape;
};

std::shared_ptr<ov::Model> read_graph(ov::Core& core, const fs::path& xml) {
  for (const fs::path& file : {xml, fs::path(xml).replace_extension(".bin")}) {
    if (!fs::exists(file)) {
      throw Error(ErrorCode::not_found, file.string(), "expected a file of an OpenVINO model, found nothing.");
    }
  }
  return translate_ir_errors(xml.string(), ErrorCode::bad_format, [&] { return core.read_model(xml.string()); });
}

void check_port(const std::vector<ov::Output<ov::Node>>& ports, const Port& expected, const char* kind, const fs::path& xml) {
  const std::string where = xml.string() + ": " + kind + " " + expected.name;
  for (const auto& port : ports) {
    if (port.get_names().count(expected.name) == 0) {
      continue;
    }
    if (!port.get_partial_shape().compatible(expected.shape)) {
      throw Error(ErrorCode::bad_format,
                  where,
                  fmt::format("expected shape {} as config.json says, found {}.",
                              expected.shape.to_string(),
                              port.get_partial_shape().to_string()));
    }
    return;
  }
  throw Error(ErrorCode::bad_format, where, "is missing.");
}

}  // namespace

bool is_ir_directory(const fs::path& directory) { return fs::exists(directory / kEncoder); }

WhisperModel load(const fs::path& directory) {
  WhisperModel model;
  model.directory = directory;
  model.dims = read_dimensions(directory);
  model.generation = read_generation_config(directory);
  ov::Core core;
  const ModelDimensions& dims = model.dims;
  model.encoder = read_graph(core, directory / kEncoder);
  check_port(model.encoder->inputs(), {"input_features", {-1, dims.n_mels, 2 * dims.n_audio_ctx}}, "input", directory / kEncoder);
  check_port(model.encoder->outputs(), {"last_hidden_state", {-1, dims.n_audio_ctx, dims.n_audio_state}}, "output", directory / kEncoder);
  model.decoder = read_graph(core, directory / kDecoder);
  check_port(model.decoder->inputs(), {"input_ids", {-1, -1}}, "input", directory / kDecoder);
  check_port(model.decoder->inputs(), {"encoder_hidden_states", {-1, -1, dims.n_text_state}}, "input", directory / kDecoder);
  check_port(model.decoder->inputs(), {"beam_idx", {-1}}, "input", directory / kDecoder);
  check_port(model.decoder->outputs(), {"logits", {-1, -1, dims.n_vocab}}, "output", directory / kDecoder);
  return model;
}

ModelSize measure_size(const fs::path& directory) {
  if (!is_ir_directory(directory)) {
    throw Error(ErrorCode::not_found, directory.string(), "expected a directory with openvino_encoder_model.xml.");
  }
  ModelSize size;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      size.directory_bytes += entry.file_size();
    }
  }
  size.encoder_bytes = fs::file_size(directory / "openvino_encoder_model.bin");
  size.decoder_bytes = fs::file_size(directory / "openvino_decoder_model.bin");
  return size;
}

}  // namespace sotto::model
