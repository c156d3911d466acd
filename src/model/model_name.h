#pragma once

#include <filesystem>
#include <string>

#include "sotto/model.h"

namespace sotto::model {

/// What a model is called in file names. A ggml file keeps its own name without "ggml-", ".bin" and the
/// quantization ("ggml-base.en-q5_0.bin" → "base.en"), for whisper.cpp looks for its encoder by it; so does a
/// .pt file. Others get the official name of their dimensions ("base", "large-v3-turbo"; large-v1 and
/// large-v2 share theirs: "large-v2"), and the directory's name where there is none.
std::string model_name(const std::filesystem::path& checkpoint, const ModelDimensions& dims);

}  // namespace sotto::model
