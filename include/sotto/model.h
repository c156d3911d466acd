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
  std::map<std::string, std::int32_t> lang_to_id{};  ///< "<|en|>" → id; empty for English-only models
  std::map<std::string, std::int32_t> task_to_id{};  ///< "transcribe", "translate"
  std::vector<std::int32_t> suppress_tokens{};
  std::vector<std::int32_t> begin_suppress_tokens{};
  std::vector<std::pair<int, int>> alignment_heads{};  ///< (decoder layer, head) whose attention tells time
  std::int32_t decoder_start_token_id = 0;
  std::int32_t eos_token_id = 0;
  std::int32_t no_timestamps_token_id = 0;
  std::int32_t prev_sot_token_id = 0;
  std::int32_t max_initial_timestamp_index = 50;
  bool is_multilingual = true;
};

/// Which tool's files a model is laid out for.
enum class Layout {
  openvino,     ///< optimum-intel's and openvino.genai's directory: a decoder that keeps state
  notebook,     ///< whisper_{name}_encoder.xml and _decoder.xml of the OpenVINO notebook 227-whisper
  whisper_cpp,  ///< ggml-{name}-encoder-openvino.xml, the encoder alone
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
///
/// Layout::notebook: the decoder has no state and no beam_idx. Behind input_ids and encoder_hidden_states
/// come two caches a layer, f32 [batch, n_past, n_text_state], k0, v0, k1, ...; behind logits the caches with
/// the new tokens, in the same order. Cross-attention K and V are computed in every step.
/// Layout::whisper_cpp: decoder is null; the encoder's shape is fixed, [1, n_mels, 2 * n_audio_ctx].
struct WhisperModel {
  Layout layout = Layout::openvino;
  std::string name;                 ///< in the file names of the other layouts: "base", "large-v2"
  std::filesystem::path directory;  ///< where the JSON files are
  /// Keeps `directory` where it was made for a checkpoint that is one file; it goes away with its last copy.
  std::shared_ptr<const void> directory_owner;
  ModelDimensions dims;
  GenerationConfig generation;
  std::shared_ptr<ov::Model> encoder;
  std::shared_ptr<ov::Model> decoder;
};

enum class WeightFormat { fp32, fp16, bf16 };

struct ConvertOptions {
  WeightFormat weight_format = WeightFormat::fp16;
  Layout layout = Layout::openvino;
  bool lift = false;  ///< of a notebook's pair: make its decoder keep state
};

/// Reads config.json of a checkpoint or an IR directory. Throws Error(not_found | bad_format) naming the
/// file and the field.
ModelDimensions read_dimensions(const std::filesystem::path& directory);
GenerationConfig read_generation_config(const std::filesystem::path& directory);

/// True for a directory that load() reads or holds several notebook's pairs, and for an .xml file of a model.
bool is_ir_directory(const std::filesystem::path& path);

/// Builds both graphs in memory from a Hugging Face directory (safetensors or pytorch_model.bin, one file or
/// sharded), a .pt file of openai/whisper or a ggml .bin file of whisper.cpp, in the layout and with the
/// weights `options` say; docs/checkpoints.md says what of each is used. Throws Error(not_found | bad_format
/// | unsupported) naming the file, the tensor and both shapes.
WhisperModel build(const std::filesystem::path& checkpoint, const ConvertOptions& options = {});

/// Reads an IR: a directory written by save(), optimum-intel (stateful or with --disable-stateful, which is
/// merged into one decoder with state) or openvino.genai's tools; or a notebook's pair, by its directory or
/// one of its .xml files, as it is. Throws Error(not_found | bad_format) naming the file and the port,
/// (invalid_argument) for a directory of several pairs.
WhisperModel load(const std::filesystem::path& path);

/// A notebook's pair with a decoder that keeps state and computes cross-attention K and V once a window;
/// weights and quantizers are the same. Throws Error(invalid_argument | unsupported) for other models.
WhisperModel lift(const WhisperModel& model);

/// Writes the graphs in the model's layout and copies the JSON and tokenizer files beside them, all or
/// nothing: the directory appears complete or not at all. An existing model directory is replaced; a
/// directory that holds anything else is refused with Error(io). A notebook's pair with quantizers is named
/// _int8.
void save(const WhisperModel& model,
          const std::filesystem::path& directory,
          const ConvertOptions& options = {});

/// build() then save(); an IR is load()ed, lifted if asked, and its weights stay as they are. Layout
/// whisper_cpp takes the encoder of an IR, INT8 ones too. Returns the model as saved. Throws
/// Error(invalid_argument) where an IR would have to change its layout in another way.
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
ModelSize measure_size(const std::filesystem::path& path);

}  // namespace sotto::model
