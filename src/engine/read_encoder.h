#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>

#include "engine/linear.h"

namespace sotto::engine {

/// A convolution over kWidth frames as a product: the inputs of an output follow each other, frame by frame.
struct Convolution {
  static constexpr std::size_t kWidth = 3;

  Linear linear;             ///< n_in: kWidth * channels
  std::uint8_t silence = 0;  ///< what 0 is, before the first frame and behind the last
};

/// An encoder's layer: what its nodes compute, in their order.
struct EncoderLayer {
  Norm norm;
  Linear query;
  Linear key;
  Linear value;
  InputForm query_form;  ///< the 8 bits in which q · kᵀ takes them
  InputForm key_form;
  float factor = 1.0F;  ///< of q · kᵀ
  Linear output;
  FeedForward feed_forward;
};

struct EncoderWeights {
  std::size_t n_mels = 0;
  std::size_t n_state = 0;
  std::size_t n_head = 0;
  std::size_t n_frames = 0;      ///< that come out, of twice as many
  Convolution first;             ///< of each frame
  Convolution second;            ///< of every other frame
  std::vector<float> positions;  ///< [n_frames, n_state]
  std::vector<EncoderLayer> layers;
  Norm norm;
};

/// Reads an encoder whose convolutions and q · kᵀ are in INT8 (sotto's and NNCF's), with or without
/// SmoothQuant's scales. nullopt and the reason for any other: it is left to OpenVINO.
std::optional<EncoderWeights> read_encoder(const ov::Model& encoder, std::string& why_not);

}  // namespace sotto::engine
