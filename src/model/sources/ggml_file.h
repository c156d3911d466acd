#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "model/safetensors.h"
#include "model/sources/source.h"

namespace sotto::model::sources {

/// What a whisper.cpp model file holds; tensors under openai/whisper's names.
struct GgmlCheckpoint {
  ModelDimensions dims;
  std::vector<std::string> tokens;  ///< bytes of each token, by id
  TensorMap tensors;
};

/// True if the bytes begin with ggml's magic number.
bool looks_like_ggml(std::span<const std::byte> file);

/// Reads whisper.cpp's ggml format: magic, eleven numbers, mel filters, tokens, then tensors to the end.
///
/// f32 and f16 tensors are views into `file`; quantized ones become f16 in `memory`, at most 3.6 times their
/// size in the file: f16 is what convert() writes and its rounding is far below a quantization step. The mel
/// filters must be Whisper's own up to 1e-6: sotto and whoever runs what it writes hear with those. Throws
/// Error(bad_format) naming `where`, the field or tensor, its offset and what was expected; (unsupported) for
/// other filters and tensor types. Source: whisper.cpp 233fe1f, models/convert-pt-to-ggml.py and
/// src/whisper.cpp (whisper_model_load).
GgmlCheckpoint read_ggml(std::span<const std::byte> file, const std::string& where, Memory& memory);

}  // namespace sotto::model::sources
