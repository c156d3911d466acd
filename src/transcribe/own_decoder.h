#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <openvino/core/model.hpp>
#include <openvino/core/type/element_type.hpp>

#include "engine/decoder.h"
#include "transcribe/window_keys.h"

namespace sotto::transcribe {

/// engine::Decoder over the keys and values that WindowKeys computes.
class OwnDecoder {
 public:
  /// Reads what split_off_window() left of a decoder, its window's keys and values being of `type`. Null
  /// where that is not read or `type` is neither f32 nor bf16; OpenVINO runs such a decoder.
  static std::unique_ptr<OwnDecoder> read(const ov::Model& decoder, ov::element::Type type);

  /// Before the first run; team outlives this.
  void set_team(engine::Team& team);
  /// Forgets all tokens.
  void reset() { decoder_->reset(); }

  /// The windows that rows are about, in their order or one for all of them.
  struct Windows {
    const WindowKeys& keys;
    std::size_t first = 0;
    bool is_shared = true;
  };
  /// engine::Decoder::run().
  std::span<float> run(std::span<const std::int64_t> tokens,
                       std::span<const std::int32_t> source_rows,
                       std::span<const std::int64_t> logit_positions,
                       const Windows& windows);

  std::map<std::string, int> executed_kernels() const { return decoder_->kernel_names(); }

 private:
  /// Of a layer, in WindowKeys.
  struct Inputs {
    std::size_t keys = 0;
    std::size_t values = 0;
  };

  OwnDecoder(engine::DecoderWeights weights, engine::Store store);

  engine::DecoderWeights weights_;  ///< until there is a team
  engine::Store store_;
  std::vector<Inputs> inputs_;
  std::unique_ptr<engine::Decoder> decoder_;
};

}  // namespace sotto::transcribe
