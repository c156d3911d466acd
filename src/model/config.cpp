#include <limits>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/json_file.h"
#include "sotto/error.h"
#include "sotto/model.h"

namespace sotto::model {
namespace fs = std::filesystem;
namespace {

// Far above any Whisper; lists of layers, heads and tokens are made of what a file says.
constexpr std::int64_t kLargest = 1'000'000;
constexpr std::int64_t kMostLayers = 1'000;

/// A size that can be built: from 1 to `largest`.
std::int64_t size_field(const nlohmann::json& config,
                        const char* key,
                        std::optional<std::int64_t> fallback,
                        const fs::path& path,
                        std::int64_t largest = kLargest) {
  const auto found = config.find(key);
  const bool missing = found == config.end() || found->is_null();
  if (missing && fallback) {
    return *fallback;
  }
  if (!missing && !found->is_number_integer()) {
    throw Error(ErrorCode::bad_format, path.string(),
                fmt::format("field \"{}\": expected a whole number, found {}.", key, found->dump()));
  }
  const auto value = required_json_field<std::int64_t>(config, key, path);
  if (value < 1 || value > largest) {
    throw Error(ErrorCode::bad_format, path.string(),
                fmt::format("field \"{}\": expected 1 to {}, found {}.", key, largest, value));
  }
  return value;
}

void check_heads(std::int64_t n_state, std::int64_t n_head, const char* key, const fs::path& path) {
  if (n_state % n_head != 0) {
    throw Error(
        ErrorCode::bad_format, path.string(),
        fmt::format("field \"{}\": expected a divisor of d_model = {}, found {}.", key, n_state, n_head));
  }
}

}  // namespace

ModelDimensions read_dimensions(const fs::path& directory) {
  const fs::path path = directory / "config.json";
  const nlohmann::json config = read_json_object(path);
  const auto type = json_field<std::string>(config, "model_type", "whisper", path);
  if (type != "whisper") {
    throw Error(ErrorCode::unsupported, path.string(),
                fmt::format("field \"model_type\": expected whisper, found {}.", type));
  }
  ModelDimensions dims;
  dims.n_mels = size_field(config, "num_mel_bins", 80, path);
  dims.n_audio_ctx = size_field(config, "max_source_positions", 1500, path);
  dims.n_audio_state = size_field(config, "d_model", std::nullopt, path);
  dims.n_audio_head = size_field(config, "encoder_attention_heads", std::nullopt, path, kMostLayers);
  dims.n_audio_layer = size_field(config, "encoder_layers", std::nullopt, path, kMostLayers);
  dims.n_vocab = size_field(config, "vocab_size", std::nullopt, path);
  dims.n_text_ctx = size_field(config, "max_target_positions", 448, path);
  dims.n_text_state = dims.n_audio_state;
  dims.n_text_head = size_field(config, "decoder_attention_heads", std::nullopt, path, kMostLayers);
  dims.n_text_layer = size_field(config, "decoder_layers", std::nullopt, path, kMostLayers);
  check_heads(dims.n_audio_state, dims.n_audio_head, "encoder_attention_heads", path);
  check_heads(dims.n_text_state, dims.n_text_head, "decoder_attention_heads", path);
  const auto activation = json_field<std::string>(config, "activation_function", "gelu", path);
  if (activation != "gelu") {
    throw Error(ErrorCode::unsupported, path.string(),
                fmt::format("field \"activation_function\": expected gelu, found {}.", activation));
  }
  return dims;
}

}  // namespace sotto::model
