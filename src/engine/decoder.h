#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels.h"
#include "engine/read_decoder.h"
#include "engine/team.h"
#include "engine/token_cache.h"

namespace sotto::engine {

/// K and V that attention to the window reads, of a layer: of each window [n_head, n_frames, kHeadSize].
struct WindowKeys {
  const void* keys = nullptr;
  const void* values = nullptr;
};

/// What is fed: tokens row-major [n_rows, n_tokens], each row about a window.
struct StepInput {
  std::span<const std::int64_t> tokens;
  /// [n_rows]: rows of the run before that these go on from; after reset() only their number counts.
  std::span<const std::int32_t> source_rows;
  /// Places in each row whose logits are wanted, ascending.
  std::span<const std::int64_t> logit_positions;
  std::span<const WindowKeys> windows;       ///< of each layer, windows one behind the other
  std::span<const std::size_t> row_windows;  ///< [n_rows]: which of the windows
  std::size_t n_frames = 0;
};

/// A Whisper decoder in loops of our own: in a graph of some hundred small operations, most of the time of
/// one token goes by between them.
class Decoder {
 public:
  /// store: how K and V are kept, those of the window too. team: outlives this.
  Decoder(DecoderWeights weights, Store store, Team& team, const Kernels& kernels);

  /// Forgets all tokens.
  void reset() { cache_.reset(); }
  /// Feeds tokens; returns logits [n_rows, n_positions, n_vocab], valid until the next run and writable.
  /// Throws Error(invalid_argument) for more tokens than there are positions and for tokens that are none.
  std::span<float> run(const StepInput& input);

  /// "sotto_avx512_vnni_I8" and the like, by how many layers use them.
  std::map<std::string, int> kernel_names() const;

 private:
  /// A token of a row.
  struct Item {
    std::int64_t token = 0;
    std::size_t row = 0;
    std::size_t position = 0;
  };
  /// What is done at a time: at most kMostItems tokens of what is fed.
  struct Chunk {
    std::span<const Item> items;
    const StepInput& input;
  };
  /// Attention of one head to a part of its keys: Σ exp(score - max) · value, and Σ exp(score - max).
  struct Attended {
    float max = 0.0F;
    float sum = 0.0F;
    float values[kHeadSize] = {};
  };
  /// Where attention reads: `n` keys and values of a head.
  struct Part {
    const std::byte* keys = nullptr;
    const std::byte* values = nullptr;
    std::size_t n = 0;
    std::size_t stride = 0;
  };
  /// Buffers of one worker.
  struct Own {
    std::vector<float> rows;           ///< [n_items, n_state]
    std::vector<std::uint8_t> levels;  ///< the same in 8 bits
    const InputForm* form = nullptr;   ///< that they are in; null: they are of an earlier loop
    std::vector<Part> parts;
    std::vector<float> scores;
  };
  struct Piece;    ///< blocks of a layer's outputs
  struct Pieces;   ///< all of them
  struct Columns;  ///< the outputs in a piece

  static constexpr std::size_t kMostItems = 64;
  /// The frames of a window are attended to in halves, so that there is work for twice as many workers as
  /// heads; always, for other parts would give other sums.
  static constexpr std::size_t kWindowParts = 2;

  std::vector<Item> items_of(const StepInput& input) const;
  void embed(std::span<const Item> items);
  void run_layer(std::size_t layer, const Chunk& chunk);
  void project_tokens(std::size_t layer, const Chunk& chunk);
  void attend_tokens(std::size_t layer, const Chunk& chunk);
  void attend_window(std::size_t layer, const Chunk& chunk);
  void attend(const float* query, Attended& to, Own& own) const;
  void add_attended(const Linear& output, std::size_t n_items, std::size_t n_parts);
  void feed_forward(const FeedForward& block, std::size_t n_items);

  void begin_loop();
  Pieces pieces_of(const Linear& linear) const;
  static Columns columns_of(const Linear& linear, const Piece& piece);
  static void put_together(std::span<const Attended> parts, float* to);
  static const InputForm& form_of(const DecoderLayer& layer, const Linear& linear);
  static const void* formed(const InputForm& form, const Own& own);
  const void* in_form(const InputForm& form, std::size_t n_items, Own& own) const;
  const void* normed(
      const Norm& norm, const InputForm& form, std::span<const float> x, std::size_t n_items, Own& own) const;
  void multiply_piece(
      const Linear& linear, const void* input, std::size_t n_items, float* y, const Piece& piece) const;
  void add_product(const Linear& linear, const void* input, std::size_t n_items, const Piece& piece);
  template <typename Place>
  void keep(std::span<const Item> items, const float* fresh, const Columns& columns, const Place& place);

  DecoderWeights weights_;
  Store store_;
  std::size_t value_size_;  ///< bytes of a value of K and V
  const Kernels& kernels_;
  Team& team_;
  TokenCache cache_;
  std::vector<Own> own_;              ///< of each worker
  std::vector<float> x_;              ///< [kMostItems, n_state]
  std::vector<float> query_;          ///< the same
  std::vector<float> fresh_;          ///< [kMostItems, 2 n_state]: K and V of the tokens fed
  std::vector<Attended> attended_;    ///< [n_items, n_head, n_parts]
  std::vector<float> inner_;          ///< [kMostItems, n_inner]
  std::vector<std::uint8_t> levels_;  ///< the same in 8 bits
  std::vector<float> wanted_;         ///< [n_wanted, n_state]: x of the items whose logits are wanted
  std::vector<float> logits_;         ///< [n_wanted, n_vocab]
};

}  // namespace sotto::engine
