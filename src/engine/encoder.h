#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/aligned_bytes.h"
#include "engine/kernels.h"
#include "engine/read_encoder.h"
#include "engine/team.h"
#include "engine/tiles.h"

namespace sotto::engine {

/// In what softmax(q · kᵀ) · v is computed; q · kᵀ always is in 8 bits.
enum class SoftmaxPrecision { f32, int8 };

/// A Whisper encoder of INT8 in loops of our own. Frames only meet in attention: all that lies between two
/// of them is done for a few frames at a time, whose values stay in the first caches.
class Encoder {
 public:
  /// team: outlives this.
  Encoder(EncoderWeights weights, SoftmaxPrecision softmax, Team& team, const Kernels& kernels);

  /// features: [n_mels, 2 n_frames]; hidden_states: [n_frames, n_state].
  void run(std::span<const float> features, std::span<float> hidden_states);

  /// "sotto_avx512_vnni_I8" and the like, by how many layers use them.
  std::map<std::string, int> kernel_names() const;

 private:
  /// Buffers of one worker.
  struct Own {
    std::vector<float> rows;  ///< [kTile, n_state]
    AlignedBytes formed;      ///< the same as a layer takes it
    AlignedBytes inner;       ///< [kTile, n_inner] likewise
    AlignedBytes columns;     ///< [kTile, kColumns]
    AlignedBytes scratch;     ///< of attention
    AlignedBytes attended;    ///< [kernels_.n_queries, kHeadSize]
  };

  /// Queries of a head in a piece of work, a multiple of those that kernels take.
  static constexpr std::size_t kQueriesOfPiece = 48;

  template <typename Work>
  void each_tile(std::size_t n_frames, const Work& work);
  void quantize_features(std::span<const float> features);
  void convolve(const Tile& tile, Own& own);
  void embed(const Tile& tile, Own& own);
  void project(const EncoderLayer& layer, const Tile& tile, Own& own);
  void keep_queries(const EncoderLayer& layer, const Tile& tile, const Columns& columns);
  void keep_keys(const EncoderLayer& layer, const Tile& tile, const Columns& columns);
  void keep_values(const Tile& tile, const Columns& columns);
  void pack_values();
  void attend(const EncoderLayer& layer);
  void attend(const EncoderLayer& layer, std::size_t head, const Tile& queries, Own& own);
  void add_product(const Linear& linear, const LayerInput& input, const Tile& tile, Own& own);
  void feed_forward(const FeedForward& block, const Tile& tile, Own& own);

  template <typename Take>
  void multiply(
      const Linear& linear, const LayerInput& input, std::size_t n_rows, Own& own, const Take& take) const;
  LayerInput normed(const Norm& norm, const InputForm& form, const Tile& tile, Own& own) const;

  EncoderWeights weights_;
  SoftmaxPrecision softmax_;
  std::size_t n_keys_;  ///< frames, rounded up for the kernels
  const Kernels& kernels_;
  Team& team_;
  std::vector<Own> own_;                ///< of each worker
  std::vector<std::uint8_t> features_;  ///< [1 + 2 n_frames + 1, n_mels], silence at both ends
  std::vector<std::uint8_t> frames_;    ///< [1 + 2 n_frames + 1, n_state], silence at both ends
  std::vector<float> x_;                ///< [n_frames, n_state]
  std::vector<std::uint8_t> queries_;   ///< [n_frames, n_state]
  AlignedBytes keys_;                   ///< [n_head, n_keys / kBlock, kHeadSize / kQuad, kBlock, kQuad]
  AlignedBytes values_;                 ///< [n_head, n_keys, kHeadSize]
  AlignedBytes packed_values_;          ///< the same in 8 bits, see Kernels::pack_values()
  std::vector<float> value_scale_;      ///< [n_head, kHeadSize] of those
  std::vector<float> key_scale_;        ///< [n_keys]
  std::vector<float> key_offset_;       ///< [n_head, n_keys]
  std::vector<std::byte> attended_;     ///< [n_frames, n_state] as the layer behind takes it
};

}  // namespace sotto::engine
