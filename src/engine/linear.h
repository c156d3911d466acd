#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/aligned_bytes.h"
#include "engine/kernels.h"

namespace sotto::engine {

/// What is done to a layer's input before its weights meet it: SmoothQuant's scale, then 8-bit rounding.
struct InputForm {
  std::vector<float> scale = {};  ///< [n_in]; empty: 1
  bool is_quantized = false;
  float low = 0.0F;  ///< of 256 values, `step` apart
  float step = 0.0F;

  bool operator==(const InputForm&) const = default;
};

/// What comes out of a layer, where others multiply it in 8 bits.
struct OutputForm {
  float low = 0.0F;     ///< of 256 values, `step` apart, that it is rounded to
  float step = 0.0F;    ///< 0: it is not rounded
  float factor = 1.0F;  ///< of what was rounded
};

/// Layer normalization over n_state values.
struct Norm {
  std::vector<float> gain;
  std::vector<float> shift;
  float epsilon = 1e-5F;
};

/// A weight [n_out, n_in] as a graph has it: a row of values for each output.
struct WeightValues {
  WeightStore store = WeightStore::f32;
  const void* values = nullptr;
  std::size_t n_out = 0;
  std::size_t n_in = 0;
  std::vector<float> scale = {};       ///< [n_out]; empty: 1
  std::vector<float> zero_point = {};  ///< [n_out], of int8_weights; empty: 0
  bool is_unsigned = false;            ///< int8_weights are u8
};

/// y = input · weightᵀ + bias, packed for Kernels.
class Linear {
 public:
  Linear() = default;
  /// bias: [n_out] or empty. `factor` multiplies what comes out. An int8 weight takes a quantized input,
  /// others an unquantized one.
  Linear(const WeightValues& weight, InputForm input, std::span<const float> bias, float factor = 1.0F);

  std::size_t n_in() const { return product_.n_in; }
  std::size_t n_out() const { return product_.n_out; }
  std::size_t n_blocks() const { return (product_.n_out + kBlock - 1) / kBlock; }
  const InputForm& input() const { return input_; }

  /// Has multiply() round what comes out.
  void round_to(const OutputForm& form) { output_ = form; }

  /// "sotto_avx512_vnni_I8" and the like.
  std::string kernel_name(const Kernels& kernels) const;

  /// Blocks [first, last) of the outputs of rows in this layer's input form.
  void multiply(const Kernels& kernels, const Rows& rows, std::size_t first, std::size_t last) const;

 private:
  void multiply_blocks(const Kernels& kernels, const Rows& rows, std::size_t first, std::size_t last) const;

  InputForm input_;
  WeightStore store_ = WeightStore::f32;
  AlignedBytes packed_;
  std::vector<float> scale_;
  std::vector<float> offset_;
  std::vector<float> zero_point_;
  Product product_;
  OutputForm output_;
};

/// The block of a layer that does not look at other places: x + outer(gelu(inner(norm(x)))).
struct FeedForward {
  Norm norm;
  Linear inner;
  Linear outer;

  /// True if it takes and gives n_state values.
  bool fits(std::size_t n_state) const {
    return inner.n_in() == n_state && outer.n_out() == n_state && inner.n_out() == outer.n_in();
  }
};

}  // namespace sotto::engine
