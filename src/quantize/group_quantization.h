#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sotto::quantize {

/// How integers stand for weights: value = scale * (integer - zero_point). Symmetric ones are signed and have
/// no zero point; asymmetric ones are unsigned.
struct IntegerFormat {
  unsigned n_bits = 8;
  bool symmetric = false;

  int lowest() const { return symmetric ? -(1 << (n_bits - 1)) : 0; }
  int highest() const { return symmetric ? (1 << (n_bits - 1)) - 1 : (1 << n_bits) - 1; }
};

/// Weights as [n_groups, group_size], each group with a scale of its own.
struct GroupQuantized {
  std::vector<int> integers;
  std::vector<float> scale;     ///< [n_groups]
  std::vector<int> zero_point;  ///< [n_groups], or empty
};

/// Quantizes rows of `group_size` values. With `importance` ([n_channels], n_channels a multiple of
/// group_size, or empty: all 1) and `search`, each scale is the one of ten between the whole range and half
/// of it that loses least, errors squared and weighted. Source of the formulas: NNCF 3.4.0,
/// weight_compression/weight_lowering.py.
GroupQuantized quantize_groups(std::span<const float> values,
                               std::size_t group_size,
                               const IntegerFormat& format,
                               bool search = false,
                               std::span<const float> importance = {});

/// The value that an integer of group `group` stands for.
float dequantized(const GroupQuantized& quantized, std::size_t index, std::size_t group);

}  // namespace sotto::quantize
