#pragma once

#include <cstddef>
#include <cstdint>

// No standard library beyond these types: the implementations are compiled for processors that this machine
// may not be, and an inline function of a library that they shared with other files could be linked from
// there.

namespace sotto::engine {

/// Outputs of a product that are computed side by side, in the lanes of a register.
inline constexpr std::size_t kBlock = 16;
/// Inputs that one instruction multiplies and adds up for each output.
inline constexpr std::size_t kQuad = 4;
/// Every Whisper's size of an attention head.
inline constexpr std::size_t kHeadSize = 64;

enum class Store { f32, bf16 };  ///< how K and V are kept
/// How weights are kept: int8 for u8 inputs, int8_weights for f32 ones.
enum class WeightStore { f32, f16, bf16, int8, int8_weights };

/// A product y = x · wᵀ * scale + offset over a weight packed in blocks of kBlock outputs:
/// [n_blocks][n_in / kQuad][kBlock][kQuad] for int8, [n_blocks][n_in][kBlock] otherwise.
struct Product {
  const void* weights = nullptr;
  const float* scale = nullptr;   ///< [n_blocks * kBlock]; null: 1
  const float* offset = nullptr;  ///< [n_blocks * kBlock]
  /// [n_blocks * kBlock] what int8_weights have at a weight of 0; null: 0
  const float* zero_point = nullptr;
  std::size_t n_in = 0;  ///< of int8 a multiple of kQuad
  std::size_t n_out = 0;
};

/// Rows to multiply, and where what comes out goes.
struct Rows {
  const void* x = nullptr;  ///< u8 for int8 weights, else f32
  std::size_t n_rows = 0;
  float* y = nullptr;  ///< outputs from y_block on
  std::size_t y_stride = 0;
  std::size_t x_stride = 0;  ///< values from a row to the next; 0: n_in
  std::size_t y_block = 0;
};

/// K or V of one head: `n` vectors of kHeadSize, `stride` values apart.
struct Vectors {
  const void* first = nullptr;
  std::size_t n = 0;
  std::size_t stride = 0;
};

/// Keys whose weights have a scale of their own in attention in 8 bits.
inline constexpr std::size_t kKeysOfScale = 2 * kBlock;

/// What queries of one head attend to.
struct HeadKeys {
  /// int8: q · keyᵀ, for a softmax to the base 2. n_out is a multiple of kKeysOfScale; those behind the last
  /// key have an offset of kNoKey.
  Product keys;
  /// n_out vectors, 0 behind the last: f32 [n_out, kHeadSize], or as pack_values() leaves them.
  const void* values = nullptr;
  const float* value_scale = nullptr;  ///< [kHeadSize] of packed ones
};
inline constexpr float kNoKey = -1e30F;

/// At most Kernels::n_queries u8 queries, and what they attended to.
struct Queries {
  const std::uint8_t* first = nullptr;
  std::size_t n = 0;
  std::size_t stride = 0;
  float* scratch = nullptr;  ///< scratch_size()
  float* out = nullptr;      ///< [n, kHeadSize]
};
/// Scores of n_queries by n_keys, and of each kKeysOfScale of them the largest and a scale.
inline constexpr std::size_t scratch_size(std::size_t n_queries, std::size_t n_keys) {
  return n_queries * (n_keys + 2 * (n_keys / kKeysOfScale));
}

/// The inner loops of a Whisper, for one kind of processor.
struct Kernels {
  const char* name = "";  ///< as executed_kernels() has it: "avx512_vnni"

  /// Blocks [first, last) of a product.
  void (*multiply_int8)(const Product&, const Rows&, std::size_t first, std::size_t last) = nullptr;
  void (*multiply_f32)(const Product&, const Rows&, std::size_t first, std::size_t last) = nullptr;
  void (*multiply_f16)(const Product&, const Rows&, std::size_t first, std::size_t last) = nullptr;
  void (*multiply_bf16)(const Product&, const Rows&, std::size_t first, std::size_t last) = nullptr;
  void (*multiply_int8_weights)(const Product&, const Rows&, std::size_t first, std::size_t last) = nullptr;

  /// scores[i] = q · key i.
  void (*scores_f32)(const Vectors& keys, const float* q, float* scores) = nullptr;
  void (*scores_bf16)(const Vectors& keys, const float* q, float* scores) = nullptr;
  /// sum += Σ weights[i] * value i, [kHeadSize].
  void (*add_weighted_f32)(const Vectors& values, const float* weights, float* sum) = nullptr;
  void (*add_weighted_bf16)(const Vectors& values, const float* weights, float* sum) = nullptr;
  /// x[i] = exp(x[i] - max), max being the largest of x, which is returned; n >= 1.
  float (*exponentials)(float* x, std::size_t n, float* sum) = nullptr;

  std::size_t n_queries = 0;  ///< that attention goes through at a time
  /// out = softmax(q · kᵀ) · v over all keys of a head, softmax and values in f32 or 8 bits.
  void (*attend_f32)(const HeadKeys&, const Queries&) = nullptr;
  void (*attend_int8)(const HeadKeys&, const Queries&) = nullptr;
  /// Values f32 [n, kHeadSize] as i8 [n / kQuad, kHeadSize, kQuad], symmetric, and the scales [kHeadSize].
  void (*pack_values)(const float* values, std::size_t n, std::int8_t* packed, float* scale) = nullptr;

  /// (x - mean) / sqrt(variance + epsilon) * gain + shift.
  void (*normalize)(const float* x,
                    std::size_t n,
                    const float* gain,
                    const float* shift,
                    float epsilon,
                    float* y) = nullptr;
  /// x * ½ (1 + erf(x / √2)), in place.
  void (*gelu)(float* x, std::size_t n) = nullptr;
  /// quantize(gelu(x) * scale), gelu within 5e-5; scale: null for 1.
  void (*gelu_quantize)(
      const float* x, const float* scale, std::size_t n, float low, float step, std::uint8_t* y) = nullptr;
  /// x * scale, in place.
  void (*multiply)(float* x, const float* scale, std::size_t n) = nullptr;
  /// The number of the nearest of 256 values from `low` on, `step` apart, half to even.
  void (*quantize)(const float* x, std::size_t n, float low, float step, std::uint8_t* y) = nullptr;
  void (*to_bf16)(const float* x, std::size_t n, std::uint16_t* y) = nullptr;
  /// x += y.
  void (*add)(float* x, const float* y, std::size_t n) = nullptr;
};

/// Those in plain C++, which others are tested against.
const Kernels& plain_kernels();
/// Null where they were not compiled.
const Kernels* avx2_kernels();
const Kernels* avx2_vnni_kernels();
const Kernels* avx512_kernels();
const Kernels* amx_kernels();

}  // namespace sotto::engine
