#include "model/sources/source.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/json_file.h"
#include "model/sources/byte_reader.h"
#include "model/sources/ggml_file.h"
#include "model/sources/openai_names.h"
#include "model/sources/torch_file.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "model.";

bool looks_like_safetensors(std::span<const std::byte> file) {
  constexpr std::size_t kLengthBytes = 8;
  return file.size() > kLengthBytes && file[kLengthBytes] == std::byte{'{'};
}

const TensorView* find_tensor(const TensorMap& tensors, const std::string& name) {
  auto found = tensors.find(std::string(kPrefix) + name);
  if (found == tensors.end()) {
    found = tensors.find(name);  // saved from the bare WhisperModel
  }
  return found == tensors.end() ? nullptr : &found->second;
}

/// Size of an axis of a tensor, 0 where there is none.
std::int64_t axis_size(const TensorMap& tensors, const std::string& name, std::size_t axis) {
  const TensorView* tensor = find_tensor(tensors, name);
  return tensor == nullptr || axis >= tensor->shape.size() ? 0
                                                           : static_cast<std::int64_t>(tensor->shape[axis]);
}

std::int64_t count_layers(const TensorMap& tensors, std::string_view side) {
  std::int64_t n = 0;
  while (find_tensor(tensors, fmt::format("{}.layers.{}.fc1.weight", side, n)) != nullptr) {
    ++n;
  }
  return n;
}

/// Dimensions as the tensors' shapes tell them; every Whisper's heads are 64 wide.
ModelDimensions dimensions_of_shapes(const TensorMap& tensors) {
  constexpr std::int64_t kHeadSize = 64;
  ModelDimensions dims;
  dims.n_audio_state = axis_size(tensors, "encoder.conv1.weight", 0);
  dims.n_mels = axis_size(tensors, "encoder.conv1.weight", 1);
  dims.n_audio_ctx = axis_size(tensors, "encoder.embed_positions.weight", 0);
  dims.n_audio_head = dims.n_audio_state / kHeadSize;
  dims.n_audio_layer = count_layers(tensors, "encoder");
  dims.n_vocab = axis_size(tensors, "decoder.embed_tokens.weight", 0);
  dims.n_text_ctx = axis_size(tensors, "decoder.embed_positions.weight", 0);
  dims.n_text_state = axis_size(tensors, "decoder.embed_tokens.weight", 1);
  dims.n_text_head = dims.n_text_state / kHeadSize;
  dims.n_text_layer = count_layers(tensors, "decoder");
  return dims;
}

void check_dimensions(const ModelDimensions& dims, const std::string& where) {
  constexpr std::int64_t kLargest = 1'000'000;
  constexpr std::int64_t kMostLayers = 1000;
  const auto check = [&](const char* name, std::int64_t value, std::int64_t highest) {
    if (value < 1 || value > highest) {
      throw Error(ErrorCode::bad_format, where,
                  fmt::format("field \"{}\": expected 1 to {}, found {}.", name, highest, value));
    }
  };
  check("n_mels", dims.n_mels, kLargest);
  check("n_audio_ctx", dims.n_audio_ctx, kLargest);
  check("n_audio_state", dims.n_audio_state, kLargest);
  check("n_audio_head", dims.n_audio_head, dims.n_audio_state);
  check("n_audio_layer", dims.n_audio_layer, kMostLayers);
  check("n_vocab", dims.n_vocab, kLargest);
  check("n_text_ctx", dims.n_text_ctx, kLargest);
  check("n_text_state", dims.n_text_state, kLargest);
  check("n_text_head", dims.n_text_head, dims.n_text_state);
  check("n_text_layer", dims.n_text_layer, kMostLayers);
  if (dims.n_audio_state != dims.n_text_state || dims.n_audio_state % dims.n_audio_head != 0 ||
      dims.n_text_state % dims.n_text_head != 0) {
    throw Error(
        ErrorCode::bad_format, where,
        fmt::format(
            "expected one width for encoder and decoder that its heads divide, found {} with {} heads "
            "and {} with {} heads.",
            dims.n_audio_state, dims.n_audio_head, dims.n_text_state, dims.n_text_head));
  }
}

void check_complete(const Source& source) {
  for (const std::string& name : required_tensors(source.dims)) {
    if (find_tensor(source.tensors, name) == nullptr) {
      throw Error(
          ErrorCode::bad_format, source.path.string(),
          fmt::format("expected {} tensors of a Whisper with {} + {} layers, found no {} in {} tensors.",
                      required_tensors(source.dims).size(), source.dims.n_audio_layer,
                      source.dims.n_text_layer, name, source.tensors.size()));
    }
  }
}

void add_torch_file(const fs::path& path, Memory& memory, TensorMap& tensors) {
  memory.files.push_back(std::make_unique<MappedFile>(path));
  TorchCheckpoint file = read_torch(memory.files.back()->bytes(), path.string(), memory);
  for (auto& [name, tensor] : file.tensors) {
    if (!tensors.emplace(name, std::move(tensor)).second) {
      throw Error(ErrorCode::bad_format, path.string(),
                  fmt::format("tensor {} is in another shard too.", shown(name)));
    }
  }
}

/// The files that pytorch_model.bin.index.json names.
std::set<std::string> shards_of(const fs::path& index) {
  const auto map =
      required_json_field<std::map<std::string, std::string>>(read_json_object(index), "weight_map", index);
  std::set<std::string> files;
  for (const auto& [tensor, file] : map) {
    if (fs::path(file).filename() != fs::path(file) || file == ".." || file == ".") {
      throw Error(ErrorCode::bad_format, index.string(),
                  fmt::format("expected names of files beside it, found {}.", shown(file)));
    }
    files.insert(file);
  }
  return files;
}

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

Source open_directory(const fs::path& directory, const fs::path& path) {
  Source source;
  source.path = path;
  source.directory = directory;
  source.dims = read_dimensions(directory);
  const fs::path single = directory / "pytorch_model.bin";
  const fs::path index = directory / "pytorch_model.bin.index.json";
  const bool has_safetensors =
      fs::exists(directory / "model.safetensors") || fs::exists(directory / "model.safetensors.index.json");
  if (has_safetensors || (!fs::exists(single) && !fs::exists(index))) {
    TensorFiles files = read_safetensors(directory);
    source.tensors = std::move(files.tensors);
    source.keep_alive = std::move(files.keep_alive);
    return source;
  }
  const auto memory = std::make_shared<Memory>();
  if (fs::exists(single)) {
    add_torch_file(single, *memory, source.tensors);
  } else {
    for (const std::string& file : shards_of(index)) {
      add_torch_file(directory / file, *memory, source.tensors);
    }
  }
  source.keep_alive = memory;
  return source;
}

Source open_torch(const fs::path& path, TorchCheckpoint file) {
  Source source;
  source.path = path;
  source.directory = directory_of(path);
  const bool is_openai = file.tensors.contains("decoder.token_embedding.weight");
  source.kind = is_openai ? Source::Kind::openai : Source::Kind::huggingface;
  source.tensors = is_openai ? to_huggingface_names(std::move(file.tensors)) : std::move(file.tensors);
  if (is_openai) {
    source.dims = file.dims.value_or(dimensions_of_shapes(source.tensors));
  } else {
    source.dims = read_dimensions(source.directory);
  }
  return source;
}

Source open_ggml(const fs::path& path, GgmlCheckpoint file) {
  Source source;
  source.kind = Source::Kind::ggml;
  source.path = path;
  source.directory = directory_of(path);
  source.dims = file.dims;
  source.tokens = std::move(file.tokens);
  source.tensors = to_huggingface_names(std::move(file.tensors));
  return source;
}

Source open_file(const fs::path& path) {
  const auto memory = std::make_shared<Memory>();
  memory->files.push_back(std::make_unique<MappedFile>(path));
  const auto bytes = memory->files.back()->bytes();
  Source source;
  if (looks_like_ggml(bytes)) {
    source = open_ggml(path, read_ggml(bytes, path.string(), *memory));
  } else if (looks_like_torch(bytes)) {
    source = open_torch(path, read_torch(bytes, path.string(), *memory));
  } else if (looks_like_safetensors(bytes)) {
    return open_directory(directory_of(path), path);
  } else {
    throw Error(
        ErrorCode::bad_format, path.string(),
        "expected a Whisper checkpoint (safetensors, a torch .pt or .bin, a whisper.cpp ggml .bin), found a "
        "file that begins like none of them.");
  }
  source.keep_alive = memory;
  return source;
}

}  // namespace

std::span<std::byte> Memory::allocate(std::size_t n_bytes) {
  buffers.push_back(std::make_unique_for_overwrite<std::byte[]>(n_bytes));
  n_buffer_bytes += n_bytes;
  return {buffers.back().get(), n_bytes};
}

void Memory::release(std::span<const std::byte> part) const noexcept {
  for (const auto& file : files) {
    file->release(part);
  }
}

Source open_source(const fs::path& path) {
  Source source = fs::is_directory(path) ? open_directory(path, path) : open_file(path);
  if (source.kind != Source::Kind::huggingface) {  // read_dimensions() and Weights do it for the others
    check_dimensions(source.dims, source.path.string());
    check_complete(source);
  }
  return source;
}

}  // namespace sotto::model::sources
