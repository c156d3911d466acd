#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sotto/log.h"

namespace ov {
class Model;
}

namespace sotto::model {

/// Whisper's dimensions under openai/whisper's names (model.py, ModelDimensions).
struct ModelDimensions {
  std::int64_t n_mels = 80;
  std::int64_t n_audio_ctx = 1500;  ///< encoder positions in a window (20 ms each)
  std::int64_t n_audio_state = 0;
  std::int64_t n_audio_head = 0;
  std::int64_t n_audio_layer = 0;
  std::int64_t n_vocab = 0;
  std::int64_t n_text_ctx = 448;  ///< longest token sequence
  std::int64_t n_text_state = 0;
  std::int64_t n_text_head = 0;
  std::int64_t n_text_layer = 0;
};

/// What generation_config.json says; names as Hugging Face writes them.
struct GenerationConfig {
  std::map<std::string, std::int32_t> lang_to_id;  ///< "<|en|>" → id; empty for English-only models
  std::map<std::string, std::int32_t> task_to_id;  ///< "transcribe", "translate"
  std::vector<std::int32_t> suppress_tokens;
  std::vector<std::int32_t> begin_suppress_tokens;
  std::vector<std::pair<int, int>> alignment_heads;  ///< (decoder layer, head) whose attention tells time
  std::int32_t decoder_start_token_id = 0;
  std::int32_t eos_token_id = 0;
  std::int32_t no_timestamps_token_id = 0;
  std::int32_t prev_sot_token_id = 0;
  std::int32_t max_initial_timestamp_index = 50;
  bool is_multilingual = true;
};

/// A Whisper as two OpenVINO graphs and what belongs to them.
///
/// encoder: input_features f32 [batch, n_mels, 2 * n_audio_ctx] → last_hidden_state f32
/// [batch, n_audio_ctx, n_audio_state].
/// decoder, stateful: input_ids i64 [batch, n_tokens], encoder_hidden_states f32 [batch, n_audio_ctx,
/// n_audio_state], beam_idx i32 [batch] → logits f32 [batch, n_tokens, n_vocab]. Self-attention K and V live
/// in state and are reordered by beam_idx; cross-attention K and V are computed at the first inference
/// after reset_state() and kept. In graphs from build() the batch of input_ids may be a multiple of the
/// windows encoder_hidden_states held then: the beams of a window stand side by side and share its K and V.
/// The layout is the one optimum-intel writes and openvino.genai reads.
struct WhisperModel {
  std::filesystem::path directory;  ///< where the JSON files are
  /// Keeps `directory` where it was made for a checkpoint that is one file; it goes away with its last copy.
  std::shared_ptr<const void> directory_owner;
  ModelDimensions dims;
  GenerationConfig generation;
  std::shared_ptr<ov::Model> encoder;
  std::shared_ptr<ov::Model> decoder;
};

enum class WeightFormat { fp32, fp16 };

struct ConvertOptions {
  WeightFormat weight_format = WeightFormat::fp16;
};

/// Reads config.json of a checkpoint or an IR directory. Throws Error(not_found | bad_format) naming the
/// file and the field.
ModelDimensions read_dimensions(const std::filesystem::path& directory);
GenerationConfig read_generation_config(const std::filesystem::path& directory);

/// True if the directory holds openvino_encoder_model.xml.
bool is_ir_directory(const std::filesystem::path& directory);

/// Builds both graphs in memory from a Hugging Face directory (safetensors or pytorch_model.bin, one file or
/// sharded), a .pt file of openai/whisper or a ggml .bin file of whisper.cpp; docs/checkpoints.md says what
/// of each is used. Throws Error(not_found | bad_format | unsupported) naming the file, the tensor and both
/// shapes.
WhisperModel build(const std::filesystem::path& checkpoint);

/// Reads an IR directory written by save(), optimum-intel or openvino.genai's tools.
WhisperModel load(const std::filesystem::path& directory);

/// Writes the IR pair and copies the JSON and tokenizer files beside it, all or nothing: the directory
/// appears complete or not at all. An existing model directory is replaced; a directory that holds anything
/// else is refused with Error(io).
void save(const WhisperModel& model,
          const std::filesystem::path& directory,
          const ConvertOptions& options = {});

/// build() then save(); returns the model as saved.
WhisperModel convert(const std::filesystem::path& checkpoint,
                     const std::filesystem::path& directory,
                     const ConvertOptions& options = {},
                     const Progress& progress = {});

/// Bytes of both .bin files and of the whole directory.
struct ModelSize {
  std::uintmax_t encoder_bytes = 0;
  std::uintmax_t decoder_bytes = 0;
  std::uintmax_t directory_bytes = 0;
};
ModelSize measure_size(const std::filesystem::path& directory);

}  // namespace sotto::model
