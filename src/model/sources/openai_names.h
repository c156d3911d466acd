#pragma once

#include <string>
#include <vector>

#include "model/safetensors.h"
#include "sotto/model.h"

namespace sotto::model::sources {

/// Renames openai/whisper's tensors to Hugging Face's: "decoder.blocks.0.cross_attn.query.weight" becomes
/// "model.decoder.layers.0.encoder_attn.q_proj.weight". Names that are no Whisper's stay as they are.
/// Source: openai/whisper 20250625, model.py; transformers 5, convert_openai_to_hf.py.
TensorMap to_huggingface_names(TensorMap tensors);

/// Hugging Face's names of all tensors of a Whisper, without the prefix "model.".
std::vector<std::string> required_tensors(const ModelDimensions& dims);

}  // namespace sotto::model::sources
