#include "model/sources/ggml_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/mel_filters.h"
#include "model/sources/byte_reader.h"
#include "model/sources/ggml_blocks.h"
#include "sotto/error.h"

namespace sotto::model::sources {
namespace {

constexpr std::uint32_t kMagic = 0x67676d6c;
constexpr std::int64_t kLargestSize = 1'000'000;
constexpr std::int64_t kMelFrequencies = kMelFilterBins;
constexpr float kMelRounding = 1e-6F;  // the narrowest filter of 80 is 0.0037 high
constexpr std::int64_t kLongestName = 256;

class GgmlReader {
 public:
  GgmlReader(std::span<const std::byte> file, const std::string& where, Memory& memory)
      : reader_(file, where), memory_(memory) {}

  GgmlCheckpoint read() {
    if (reader_.read<std::uint32_t>("magic number") != kMagic) {
      reader_.fail("expected a ggml file of whisper.cpp, found another magic number.");
    }
    GgmlCheckpoint checkpoint;
    checkpoint.dims = read_dims();
    check_mel_filters(checkpoint.dims.n_mels);
    checkpoint.tokens = read_tokens(checkpoint.dims.n_vocab);
    while (reader_.n_left() > 0) {
      read_tensor(checkpoint.tensors);
    }
    return checkpoint;
  }

 private:
  std::int64_t read_size(std::string_view what,
                         std::int64_t lowest = 1,
                         std::int64_t highest = kLargestSize) {
    const std::size_t at = reader_.offset();
    const auto value = reader_.read<std::int32_t>(what);
    if (value < lowest || value > highest) {
      reader_.fail(
          fmt::format("{} at offset {}: expected {} to {}, found {}.", what, at, lowest, highest, value));
    }
    return value;
  }

  /// The order of the fields is the order in the file.
  ModelDimensions read_dims() {
    ModelDimensions dims;
    dims.n_vocab = read_size("n_vocab");
    dims.n_audio_ctx = read_size("n_audio_ctx");
    dims.n_audio_state = read_size("n_audio_state");
    dims.n_audio_head = read_size("n_audio_head");
    dims.n_audio_layer = read_size("n_audio_layer");
    dims.n_text_ctx = read_size("n_text_ctx");
    dims.n_text_state = read_size("n_text_state");
    dims.n_text_head = read_size("n_text_head");
    dims.n_text_layer = read_size("n_text_layer");
    dims.n_mels = read_size("n_mels");
    reader_.read<std::int32_t>("ftype");  // each tensor names its own type
    return dims;
  }

  /// No form that is written has a place for filters, so those of the file must be the usual ones.
  void check_mel_filters(std::int64_t n_mels) {
    const std::int64_t n_filters = read_size("mel filters");
    const std::int64_t n_frequencies = read_size("mel filter frequencies");
    if (n_filters != n_mels || n_frequencies != kMelFrequencies) {
      reader_.fail(fmt::format("mel filters: expected {} × {}, found {} × {}.", n_mels, kMelFrequencies,
                               n_filters, n_frequencies));
    }
    const auto bytes =
        reader_.take(static_cast<std::uint64_t>(n_filters * n_frequencies) * sizeof(float), "mel filters");
    ByteReader weights(bytes, reader_.where());
    for (const MelFilter& filter : mel_filters(static_cast<int>(n_mels))) {
      for (std::size_t bin = 0; bin < kMelFilterBins; ++bin) {
        const bool is_inside = bin >= filter.first_bin && bin < filter.first_bin + filter.weights.size();
        const std::size_t at = weights.offset() / sizeof(float);
        check_mel_weight(weights.read<float>("mel filters"),
                         is_inside ? filter.weights[bin - filter.first_bin] : 0.0F, at);
      }
    }
  }

  void check_mel_weight(float found, float expected, std::size_t at) const {
    const auto refuse = [&](ErrorCode code, const std::string& wanted) {
      throw Error(code, reader_.where(),
                  fmt::format("mel filters: expected {}, found {} in filter {}, bin {}.", wanted, found,
                              at / kMelFilterBins, at % kMelFilterBins));
    };
    if (!std::isfinite(found) || found < 0.0F) {
      refuse(ErrorCode::bad_format, "weights of 0 or more");
    }
    if (std::abs(found - expected) > kMelRounding) {
      refuse(ErrorCode::unsupported, fmt::format("Whisper's, {}", expected));
    }
  }

  std::vector<std::string> read_tokens(std::int64_t n_vocab) {
    std::vector<std::string> tokens;
    const std::int64_t n_tokens = read_size("number of tokens", 0, n_vocab);
    tokens.reserve(std::min(static_cast<std::size_t>(n_tokens), reader_.n_left() / sizeof(std::uint32_t)));
    for (std::int64_t i = 0; i < n_tokens; ++i) {
      tokens.emplace_back(reader_.take_text(reader_.read<std::uint32_t>("token length"), "token"));
    }
    return tokens;
  }

  void read_tensor(TensorMap& tensors) {
    constexpr std::int64_t kMaxDims = 4;
    const std::int64_t n_dims = read_size("number of dimensions of a tensor", 1, kMaxDims);
    const std::int64_t name_bytes = read_size("length of a tensor's name", 1, kLongestName);
    const auto type = static_cast<GgmlType>(reader_.read<std::int32_t>("tensor type"));
    TensorView tensor;
    for (std::int64_t i = 0; i < n_dims; ++i) {
      tensor.shape.push_back(static_cast<std::size_t>(read_size("tensor dimension")));
    }
    const std::string name(reader_.take_text(static_cast<std::uint64_t>(name_bytes), "tensor name"));
    const std::string where = reader_.where() + ": " + shown(name);
    read_data(type, tensor, where);
    std::reverse(tensor.shape.begin(), tensor.shape.end());  // ggml names the fastest axis first
    if (name.ends_with(".bias") && tensor.shape.size() == 2 && tensor.shape.back() == 1) {
      tensor.shape.pop_back();  // biases of convolutions are [n, 1]
    }
    if (!tensors.emplace(name, std::move(tensor)).second) {
      throw Error(ErrorCode::bad_format, where, "is there twice.");
    }
  }

  /// `tensor.shape` is still in ggml's order.
  void read_data(GgmlType type, TensorView& tensor, const std::string& where) {
    const auto block = ggml_block(type);
    if (!block) {
      throw Error(ErrorCode::unsupported, where,
                  fmt::format("expected type f32, f16, q8_0, q5_0, q5_1, q4_0 or q4_1, found type number {}.",
                              static_cast<std::int32_t>(type)));
    }
    std::uint64_t n_values = 1;
    for (const std::size_t size : tensor.shape) {
      if (__builtin_mul_overflow(n_values, size, &n_values) || n_values > reader_.size() * 2) {
        throw Error(ErrorCode::bad_format, where, fmt::format("shape {} is beyond the file.", tensor.shape));
      }
    }
    if (tensor.shape.front() % block->n_values != 0) {
      throw Error(ErrorCode::bad_format, where,
                  fmt::format("expected rows of a multiple of {} values for {}, found {}.", block->n_values,
                              block->name, tensor.shape.front()));
    }
    const auto data = reader_.take(n_values / block->n_values * block->n_bytes, "tensor data");
    tensor.dtype = type == GgmlType::f32 ? DType::f32 : DType::f16;
    tensor.dtype_name = block->name;
    tensor.bytes =
        block->n_values == 1 ? aligned(data, block->n_bytes) : dequantized(type, data, n_values, where);
  }

  /// Names of any length shift what follows: a graph needs a copy of every second tensor.
  std::span<const std::byte> aligned(std::span<const std::byte> data, std::size_t value_bytes) {
    if (data.empty() || std::bit_cast<std::uintptr_t>(data.data()) % value_bytes == 0) {
      return data;
    }
    const std::span<std::byte> buffer = memory_.allocate(data.size());
    std::memcpy(buffer.data(), data.data(), data.size());
    memory_.release(data);
    return buffer;
  }

  std::span<const std::byte> dequantized(GgmlType type,
                                         std::span<const std::byte> data,
                                         std::uint64_t n_values,
                                         const std::string& where) {
    const std::span<std::byte> buffer = memory_.allocate(n_values * sizeof(std::uint16_t));
    const std::span<std::uint16_t> values(reinterpret_cast<std::uint16_t*>(buffer.data()), n_values);
    if (!dequantize(type, data, values)) {
      throw Error(ErrorCode::bad_format, where, "expected values within ±65504, found larger ones or NaN.");
    }
    memory_.release(data);
    return buffer;
  }

  ByteReader reader_;
  Memory& memory_;
};

}  // namespace

bool looks_like_ggml(std::span<const std::byte> file) {
  return file.size() >= sizeof kMagic && ByteReader(file, "").read<std::uint32_t>("magic number") == kMagic;
}

GgmlCheckpoint read_ggml(std::span<const std::byte> file, const std::string& where, Memory& memory) {
  return GgmlReader(file, where, memory).read();
}

}  // namespace sotto::model::sources
