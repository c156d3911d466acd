#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "model/safetensors.h"
#include "model/sources/source.h"

namespace sotto::model::sources {

/// The tensors of a torch.save file under the file's own names.
struct TorchCheckpoint {
  TensorMap tensors;
  std::optional<ModelDimensions> dims;  ///< of openai/whisper's files
};

/// Reads what torch.save wrote since torch 1.6: a zip archive with data.pkl and one entry for each storage.
///
/// The file's value is a dictionary of tensors, or one with "dims" and "model_state_dict". The pickle is
/// interpreted, never run: of globals only OrderedDict, torch's rebuilding of tensors and parameters and the
/// typed storages are known. Tensors lie inside their storages, storages are as long as the archive says.
/// Tensors stored with other strides than row-major ones are copied into `memory`, in all at most the size of
/// the file. Throws Error(bad_format) naming `where`, the tensor and what was expected; (unsupported) for the
/// format before torch 1.6, big-endian files and other globals or opcodes. Source: torch 2.11,
/// torch/serialization.py (_save, _load) and torch/_utils.py (_rebuild_tensor_v2).
TorchCheckpoint read_torch(std::span<const std::byte> file, const std::string& where, Memory& memory);

/// True if the bytes begin as a torch.save file of any age does.
bool looks_like_torch(std::span<const std::byte> file);

}  // namespace sotto::model::sources
