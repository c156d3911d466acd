#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/safetensors.h"
#include "sotto/model.h"

namespace sotto::model::sources {

/// What tensors point into: mapped files, and buffers for what a file does not hold as it is needed.
struct Memory {
  std::vector<std::unique_ptr<MappedFile>> files;
  std::vector<std::unique_ptr<std::byte[]>> buffers;
  std::size_t n_buffer_bytes = 0;

  /// A new buffer with anything in it.
  std::span<std::byte> allocate(std::size_t n_bytes);
  /// `part` of one of the files has been read for the last time; of what is no file nothing is done.
  void release(std::span<const std::byte> part) const noexcept;
};

/// A Whisper checkpoint of any kind, seen alike.
struct Source {
  enum class Kind {
    huggingface,  ///< a directory with config.json and the tokenizer's files
    openai,       ///< a .pt file of openai/whisper: dimensions and tensors
    ggml,         ///< a .bin file of whisper.cpp: dimensions, tokens and tensors
  };

  Kind kind = Kind::huggingface;
  std::filesystem::path path;       ///< as given
  std::filesystem::path directory;  ///< where JSON and tokenizer files lie, or may lie
  ModelDimensions dims;
  TensorMap tensors;                ///< under Hugging Face's names ("model.encoder.conv1.weight")
  std::vector<std::string> tokens;  ///< bytes of each token of a ggml file, by id; without the special ones
  std::shared_ptr<const void> keep_alive;
};

/// Opens a checkpoint by what it holds, not by its name:
/// - a directory with model.safetensors or pytorch_model.bin (single or sharded) and config.json;
/// - such a weights file itself, with config.json beside it;
/// - a .pt file of openai/whisper, "dims" and "model_state_dict" or only the tensors;
/// - a ggml .bin file of whisper.cpp in f32, f16, q8_0, q5_0, q5_1, q4_0 or q4_1.
///
/// Files are mapped; what they hold as f32, f16 or bf16 is not copied. Of the last two kinds every
/// tensor that a Whisper of these dimensions has is there; of the others Weights finds out.
/// Throws Error(not_found | bad_format | unsupported | io) naming the file, the field or tensor and what was
/// expected.
Source open_source(const std::filesystem::path& path);

}  // namespace sotto::model::sources
