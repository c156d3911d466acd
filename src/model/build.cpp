#include "core/json_file.h"
#include "core/log.h"
#include "model/graphs.h"
#include "sotto/model.h"

namespace sotto::model {
namespace {

/// What optimum-intel 2.2 writes into a stateful decoder that is not quantized: GPUs in f16 would overflow
/// without the scale, and the CPU would keep the cache in 8 bits without the precision.
void set_runtime_options(ov::Model& decoder) {
  decoder.set_rt_info(std::string("8.0"), "runtime_options", "ACTIVATIONS_SCALE_FACTOR");
  decoder.set_rt_info(std::string("f16"), "runtime_options", "KV_CACHE_PRECISION");
}

}  // namespace

WhisperModel build(const std::filesystem::path& checkpoint) {
  WhisperModel model;
  model.directory = checkpoint;
  model.dims = read_dimensions(checkpoint);
  model.generation = read_generation_config(checkpoint);
  Weights weights(checkpoint);
  model.encoder = build_encoder(weights, model.dims);
  model.decoder = build_decoder(weights, model.dims);
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
