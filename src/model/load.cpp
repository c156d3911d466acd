#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openvino/openvino.hpp>

#include "model/check_ir.h"
#include "model/ir_error.h"
#include "model/ir_files.h"
#include "model/load_notebook.h"
#include "model/read_graph.h"
#include "model/stateful.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

struct Port {
  std::string name;
  ov::PartialShape shape;
};

/// Each expected port must be among `ports` with a shape that can be the expected one.
void check_ports(const std::vector<ov::Output<ov::Node>>& ports,
                 const std::vector<Port>& expected,
                 const std::string& where) {
  for (const Port& port : expected) {
    const auto has_name = [&](const auto& found) { return found.get_names().count(port.name) != 0; };
    const auto found = std::find_if(ports.begin(), ports.end(), has_name);
    if (found == ports.end()) {
      std::vector<std::string> names;
      for (const auto& other : ports) {
        names.push_back(other.get_names().empty() ? "(unnamed)" : other.get_any_name());
      }
      throw Error(ErrorCode::bad_format, where,
                  fmt::format("expected \"{}\", found {}.", port.name, fmt::join(names, ", ")));
    }
    if (!found->get_partial_shape().compatible(port.shape)) {
      throw Error(ErrorCode::bad_format, where,
                  fmt::format("\"{}\": expected shape {} as config.json says, found {}.", port.name,
                              port.shape.to_string(), found->get_partial_shape().to_string()));
    }
  }
}

}  // namespace

fs::path weights_of(const fs::path& xml) {
  return fs::path(xml).replace_extension(".bin");
}

std::shared_ptr<ov::Model> read_graph(const fs::path& xml) {
  for (const fs::path& file : {xml, weights_of(xml)}) {
    if (!fs::exists(file)) {
      throw Error(ErrorCode::not_found, file.string(),
                  "expected a file of an OpenVINO model, found nothing.");
    }
  }
  check_ir(xml);
  return translate_ir_errors(xml.string(), ErrorCode::bad_format,
                             [&] { return ov::Core().read_model(xml.string()); });
}

namespace {

WhisperModel load_optimum(const IrFiles& files) {
  WhisperModel model;
  model.directory = files.directory;
  model.dims = read_dimensions(files.directory);
  model.generation = read_generation_config(files.directory);
  const ModelDimensions& dims = model.dims;

  model.encoder = read_graph(files.encoder);
  const std::string encoder = files.encoder.string();
  check_ports(model.encoder->inputs(), {{"input_features", {-1, dims.n_mels, 2 * dims.n_audio_ctx}}},
              encoder + ": inputs");
  check_ports(model.encoder->outputs(), {{"last_hidden_state", {-1, dims.n_audio_ctx, dims.n_audio_state}}},
              encoder + ": outputs");

  model.decoder = read_graph(files.decoder);
  if (files.kind == IrFiles::Kind::with_past) {
    model.decoder = merge_decoders(*model.decoder, *read_graph(files.decoder_with_past));
  }
  const std::string decoder = files.decoder.string();
  check_ports(
      model.decoder->inputs(),
      {{"input_ids", {-1, -1}}, {"encoder_hidden_states", {-1, -1, dims.n_text_state}}, {"beam_idx", {-1}}},
      decoder + ": inputs");
  check_ports(model.decoder->outputs(), {{"logits", {-1, -1, dims.n_vocab}}}, decoder + ": outputs");
  return model;
}

}  // namespace

bool is_ir_directory(const fs::path& path) {
  return !find_ir_files(path).empty();
}

WhisperModel load(const fs::path& path) {
  const IrFiles files = expect_ir_files(path);
  return files.kind == IrFiles::Kind::notebook ? load_notebook(files) : load_optimum(files);
}

WhisperModel lift(const WhisperModel& model) {
  if (model.layout != Layout::notebook) {
    throw Error(ErrorCode::invalid_argument, model.directory.string(),
                "expected a notebook's pair to lift, found a decoder that keeps state already.");
  }
  WhisperModel lifted = model;
  lifted.layout = Layout::openvino;
  lifted.decoder = translate_ir_errors(model.directory.string(), ErrorCode::bad_format,
                                       [&] { return lift_decoder(*model.decoder); });
  return lifted;
}

ModelSize measure_size(const fs::path& path) {
  ModelSize size;
  const auto bin_bytes = [&](const fs::path& xml) {
    const fs::path bin = weights_of(xml);
    std::error_code error;
    const std::uintmax_t n_bytes = fs::file_size(bin, error);
    if (error) {
      throw Error(ErrorCode::not_found, bin.string(), "expected a file of an OpenVINO model, found nothing.");
    }
    return n_bytes;
  };
  fs::path directory = path;
  if (const auto encoder = find_whisper_cpp_encoder(path)) {
    size.encoder_bytes = bin_bytes(*encoder);
  } else {
    const IrFiles files = expect_ir_files(path);
    directory = files.directory;
    size.encoder_bytes = bin_bytes(files.encoder);
    size.decoder_bytes = bin_bytes(files.decoder);
    if (files.kind == IrFiles::Kind::with_past) {
      size.decoder_bytes += bin_bytes(files.decoder_with_past);
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      size.directory_bytes += entry.file_size();
    }
  }
  return size;
}

}  // namespace sotto::model
