#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <openvino/core/model.hpp>

#include "core/json_file.h"
#include "core/log.h"
#include "model/graphs.h"
#include "model/ir_error.h"
#include "model/load_notebook.h"
#include "model/model_name.h"
#include "model/save.h"
#include "model/sources/companion_files.h"
#include "model/sources/source.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace {

/// What optimum-intel 2.2 writes into a stateful decoder that is not quantized: GPUs in f16 would overflow
/// without the scale, and the CPU would keep the cache in 8 bits without the precision.
void set_runtime_options(ov::Model& decoder) {
  decoder.set_rt_info(std::string("8.0"), "runtime_options", "ACTIVATIONS_SCALE_FACTOR");
  decoder.set_rt_info(std::string("f16"), "runtime_options", "KV_CACHE_PRECISION");
}

bool has_tied_tables(const std::filesystem::path& checkpoint) {
  const std::filesystem::path path = checkpoint / "config.json";
  return json_field(read_json_object(path), "tie_word_embeddings", true, path);
}

/// Where the JSON files of a source are; those of a single file are written first.
void set_directory(WhisperModel& model, const sources::Source& source) {
  model.directory = source.directory;
  if (source.kind != sources::Source::Kind::huggingface) {
    const auto companions = std::make_shared<const sources::CompanionDirectory>(source);
    model.directory = companions->path();
    model.directory_owner = companions;
  }
}

void fix_shape(WhisperModel& model) {
  model.encoder->reshape(ov::PartialShape{1, model.dims.n_mels, 2 * model.dims.n_audio_ctx});
}

/// The encoder of an IR as whisper.cpp loads it, with its weights and quantizers.
WhisperModel encoder_for_whisper_cpp(WhisperModel model) {
  if (model.name.empty()) {
    model.name = model_name(model.directory, model.dims);
  }
  model.layout = Layout::whisper_cpp;
  model.decoder = nullptr;
  translate_ir_errors(model.directory.string(), ErrorCode::bad_format, [&] { fix_shape(model); });
  return model;
}

WhisperModel load_for(const std::filesystem::path& ir, const ConvertOptions& options) {
  WhisperModel model = load(ir);
  if (options.layout == Layout::whisper_cpp && !options.lift) {
    return encoder_for_whisper_cpp(std::move(model));
  }
  return options.lift ? lift(model) : model;
}

}  // namespace

WhisperModel build(const std::filesystem::path& checkpoint, const ConvertOptions& options) {
  if (options.lift) {
    throw Error(ErrorCode::invalid_argument, checkpoint.string(),
                "expected a notebook's pair of IR files to lift, found a checkpoint.");
  }
  sources::Source source = sources::open_source(checkpoint);
  WhisperModel model;
  set_directory(model, source);
  model.dims = source.dims;
  model.generation = read_generation_config(model.directory);
  model.name = model_name(checkpoint, model.dims);
  model.layout = options.layout;
  Weights weights(checkpoint.string(), std::move(source.tensors), std::move(source.keep_alive),
                  options.weight_format == WeightFormat::bf16);
  const bool tied = has_tied_tables(model.directory);
  model.encoder = build_encoder(weights, model.dims);
  switch (options.layout) {
    case Layout::openvino:
      model.decoder = build_decoder(weights, model.dims, tied);
      set_runtime_options(*model.decoder);
      break;
    case Layout::notebook:
      model.decoder = build_notebook_decoder(weights, model.dims, tied);
      name_notebook_ports(model);
      break;
    case Layout::whisper_cpp:
      fix_shape(model);
      break;
  }
  return model;
}

WhisperModel convert(const std::filesystem::path& checkpoint,
                     const std::filesystem::path& directory,
                     const ConvertOptions& options,
                     const Progress& progress) {
  const bool is_ir = is_ir_directory(checkpoint);
  step(progress, is_ir ? "loading" : "building", 0, 2);
  WhisperModel model = is_ir ? load_for(checkpoint, options) : build(checkpoint, options);
  if (model.layout != options.layout) {
    throw Error(
        ErrorCode::invalid_argument, checkpoint.string(),
        "expected a checkpoint, a notebook's pair and lift, or layout whisper.cpp: graphs of an IR stay "
        "as they are.");
  }
  step(progress, "saving", 1, 2);
  save_as(model, directory, is_ir ? std::nullopt : std::optional(options.weight_format));
  step(progress, "saving", 2, 2);
  return model.layout == Layout::whisper_cpp ? model : load(directory);
}

}  // namespace sotto::model
