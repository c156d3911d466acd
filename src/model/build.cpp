#include <string>
#include <utility>

#include <openvino/core/model.hpp>

#include "core/json_file.h"
#include "core/log.h"
#include "model/graphs.h"
#include "model/safetensors.h"
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

}  // namespace

WhisperModel build(const std::filesystem::path& checkpoint) {
  WhisperModel model;
  model.directory = checkpoint;
  model.dims = read_dimensions(checkpoint);
  model.generation = read_generation_config(checkpoint);
  TensorFiles files = read_safetensors(checkpoint);
  Weights weights(checkpoint.string(), std::move(files.tensors), std::move(files.keep_alive));
  model.encoder = build_encoder(weights, model.dims);
  model.decoder = build_decoder(weights, model.dims, has_tied_tables(checkpoint));
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
