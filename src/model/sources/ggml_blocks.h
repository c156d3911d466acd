#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sotto::model::sources {

/// Tensor types of ggml that whisper.cpp writes. Values are those of enum ggml_type.
enum class GgmlType : std::int32_t { f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8 };

/// How a type is stored: rows in blocks of n_values values and n_bytes bytes.
struct GgmlBlock {
  std::string_view name;
  std::size_t n_values = 1;
  std::size_t n_bytes = 0;
};

/// Null for types whisper.cpp does not write (the K and IQ families).
std::optional<GgmlBlock> ggml_block(GgmlType type);

/// Values of quantized blocks as f16 bits: `to` holds n_values for each block in `from`.
///
/// q8_0, q4_0, q5_0: value = d · q with q in [-128, 127], [-8, 7], [-16, 15]; q4_1, q5_1: d · q + m with q
/// from 0. d and m are f16. Computed in f32, rounded once to f16, and that costs at most 2^-11 of a value
/// where the narrowest step of q8_0 is 2^-7 of the block's largest. False where a value does not fit f16 (NaN
/// included). Source: whisper.cpp 233fe1f, ggml/src/ggml-common.h (block_q*) and ggml-quants.c
/// (dequantize_row_q*).
[[nodiscard]] bool dequantize(GgmlType type, std::span<const std::byte> from, std::span<std::uint16_t> to);

}  // namespace sotto::model::sources
