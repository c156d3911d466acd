#include <memory>
#include <string>
#include <utility>

#include <openvino/core/model.hpp>

#include "core/json_file.h"
#include "core/log.h"
#include "model/graphs.h"
#include "model/sources/companion_files.h"
#include "model/sources/source.h"
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

}  // namespace

WhisperModel build(const std::filesystem::path& checkpoint) {
  sources::Source source = sources::open_source(checkpoint);
  WhisperModel model;
  set_directory(model, source);
  model.dims = source.dims;
  model.generation = read_generation_config(model.directory);
  Weights weights(checkpoint.string(), std::move(source.tensors), std::move(source.keep_alive));
  model.encoder = build_encoder(weights, model.dims);
  model.decoder = build_decoder(weights, model.dims, has_tied_tables(model.directory));
  set_runtime_options(*model.decoder);
  return model;
}

WhisperModel convert(const std::filesystem::path& checkpoint,
                     const std::filesystem::path& directory,
                     const ConvertOptions& options,
                     const Progress& progress) {
  step(progress, "building", 0, 2);
  const WhisperModel model = build(checkpoint);
  step(progress, "saving", 1, 2);
  save(model, directory, options);
  step(progress, "saving", 2, 2);
  return load(directory);
}

}  // namespace sotto::model
