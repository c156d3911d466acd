#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/openvino.hpp>

#include "core/atomic_file.h"
#include "model/generation_config.h"
#include "model/ir_error.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

/// Files that belong to a model beside its graphs, copied where they exist.
constexpr std::array<std::string_view, 12> kCopiedFiles = {
    "config.json",       "preprocessor_config.json", "processor_config.json",   "tokenizer.json",
    "vocab.json",        "merges.txt",               "tokenizer_config.json",   "special_tokens_map.json",
    "added_tokens.json", "normalizer.json",          "openvino_tokenizer.xml",  "openvino_tokenizer.bin",
};

void refuse_other_directories(const fs::path& directory) {
  std::error_code ignored;
  if (fs::is_directory(directory) && !fs::is_empty(directory, ignored) && !is_ir_directory(directory)) {
    throw Error(ErrorCode::io,
                directory.string(),
                "expected a new directory or one that holds an OpenVINO model, found other files; nothing was written.");
  }
}

}  // namespace

void save(const WhisperModel& model, const fs::path& directory, const ConvertOptions& options) {
  refuse_other_directories(directory);
  AtomicDirectory out(directory);
  translate_ir_errors(directory.string(), ErrorCode::io, [&] {
    const bool compress = options.weight_format == WeightFormat::fp16;
    ov::save_model(model.encoder, (out.path() / "openvino_encoder_model.xml").string(), compress);
    ov::save_model(model.decoder, (out.path() / "openvino_decoder_model.xml").string(), compress);
  });
  for (const std::string_view name : kCopiedFiles) {
    if (fs::exists(model.directory / name)) {
      fs::copy_file(model.directory / name, out.path() / name);
    }
  }
  write_file_atomically(out.path() / "generation_config.json",
                        complete_generation_config(model.directory).dump(2) + "\n");
  out.commit();
}

}  // namespace sotto::model
