#include "engine/encoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sotto::engine {
namespace {

constexpr float kLog2E = 1.44269504F;

std::size_t rounded_up(std::size_t n, std::size_t to) {
  return (n + to - 1) / to * to;
}

std::size_t widest(const EncoderWeights& weights) {
  std::size_t n = weights.n_state;
  for (const EncoderLayer& layer : weights.layers) {
    n = std::max(n, layer.feed_forward.inner.n_out());
  }
  return n;
}

}  // namespace

Encoder::Encoder(EncoderWeights weights, SoftmaxPrecision softmax, Team& team, const Kernels& kernels)
    : weights_(std::move(weights)),
      softmax_(softmax),
      n_keys_(rounded_up(weights_.n_frames, kKeysOfScale)),
      kernels_(kernels),
      team_(team),
      own_(team_.size()),
      features_((2 * weights_.n_frames + 2) * weights_.n_mels, weights_.first.silence),
      frames_((2 * weights_.n_frames + 2) * weights_.first.linear.n_out(), weights_.second.silence),
      x_(weights_.n_frames * weights_.n_state),
      queries_(weights_.n_frames * weights_.n_state),
      keys_(n_keys_ * weights_.n_state),
      values_(n_keys_ * weights_.n_state * sizeof(float)),
      packed_values_(n_keys_ * weights_.n_state),
      value_scale_(weights_.n_state),
      key_scale_(n_keys_),
      key_offset_(weights_.n_head * n_keys_, kNoKey),
      attended_(weights_.n_frames * weights_.n_state * sizeof(float)) {
  for (Own& own : own_) {
    own.rows.resize(kTile * weights_.n_state);
    own.formed = AlignedBytes(kTile * weights_.n_state * sizeof(float));
    own.inner = AlignedBytes(kTile * widest(weights_) * sizeof(float));
    own.columns = AlignedBytes(kTile * kColumns * sizeof(float));
    own.scratch = AlignedBytes(scratch_size(kernels_.n_queries, n_keys_) * sizeof(float));
    own.attended = AlignedBytes(kernels_.n_queries * kHeadSize * sizeof(float));
  }
}

void Encoder::run(std::span<const float> features, std::span<float> hidden_states) {
  const std::size_t n_layers = weights_.layers.size();
  // What is left to do with a tile before layer i's attention, or at the end.
  const auto go_on = [&](std::size_t i, const Tile& tile, Own& own) {
    if (i < n_layers) {
      project(weights_.layers[i], tile, own);
      return;
    }
    for (std::size_t at = tile.first * weights_.n_state, row = 0; row < tile.n;
         ++row, at += weights_.n_state) {
      kernels_.normalize(x_.data() + at, weights_.n_state, weights_.norm.gain.data(),
                         weights_.norm.shift.data(), weights_.norm.epsilon, hidden_states.data() + at);
    }
  };
  quantize_features(features);
  each_tile(2 * weights_.n_frames, [&](const Tile& tile, Own& own) { convolve(tile, own); });
  each_tile(weights_.n_frames, [&](const Tile& tile, Own& own) {
    embed(tile, own);
    go_on(0, tile, own);
  });
  for (std::size_t i = 0; i < n_layers; ++i) {
    const EncoderLayer& layer = weights_.layers[i];
    attend(layer);
    each_tile(weights_.n_frames, [&](const Tile& tile, Own& own) {
      const std::size_t n = weights_.n_state;
      add_product(layer.output, {attended_.data() + tile.first * n * value_size(layer.output.input()), n},
                  tile, own);
      feed_forward(layer.feed_forward, tile, own);
      go_on(i + 1, tile, own);
    });
  }
}

template <typename Work>
void Encoder::each_tile(std::size_t n_frames, const Work& work) {
  over_tiles(team_, n_frames, [&](std::size_t worker, const Tile& tile) { work(tile, own_[worker]); });
}

/// Frame by frame, in the first convolution's 8 bits.
void Encoder::quantize_features(std::span<const float> features) {
  const std::size_t n_mels = weights_.n_mels;
  const InputForm& form = weights_.first.linear.input();
  each_tile(2 * weights_.n_frames, [&](const Tile& tile, Own&) {
    std::array<std::uint8_t, kTile> levels{};
    for (std::size_t mel = 0; mel < n_mels; ++mel) {
      const float* const from = features.data() + mel * 2 * weights_.n_frames + tile.first;
      kernels_.quantize(from, tile.n, form.low, form.step, levels.data());
      for (std::size_t i = 0; i < tile.n; ++i) {
        features_[(1 + tile.first + i) * n_mels + mel] = levels[i];
      }
    }
  });
}

template <typename Take>
void Encoder::multiply(
    const Linear& linear, const LayerInput& input, std::size_t n_rows, Own& own, const Take& take) const {
  multiply_tile(kernels_, linear, input, n_rows, own.columns.as<float>(), take);
}

void Encoder::convolve(const Tile& tile, Own& own) {
  const Linear& linear = weights_.first.linear;
  const InputForm& form = weights_.second.linear.input();
  const LayerInput input{features_.data() + tile.first * weights_.n_mels, weights_.n_mels};
  multiply(linear, input, tile.n, own, [&](const Columns& columns) {
    for (std::size_t row = 0; row < tile.n; ++row) {
      float* const values = columns.values + row * kColumns;
      kernels_.gelu_quantize(values, nullptr, columns.n, form.low, form.step,
                             frames_.data() + (1 + tile.first + row) * linear.n_out() + columns.first);
    }
  });
}

void Encoder::embed(const Tile& tile, Own& own) {
  const std::size_t n = weights_.n_state;
  const std::size_t stride = 2 * weights_.first.linear.n_out();
  const LayerInput input{frames_.data() + tile.first * stride, stride};
  multiply(weights_.second.linear, input, tile.n, own, [&](const Columns& columns) {
    for (std::size_t row = 0; row < tile.n; ++row) {
      float* const values = columns.values + row * kColumns;
      const std::size_t at = (tile.first + row) * n + columns.first;
      kernels_.gelu(values, columns.n);
      kernels_.add(values, weights_.positions.data() + at, columns.n);
      std::copy_n(values, columns.n, x_.data() + at);
    }
  });
}

LayerInput Encoder::normed(const Norm& norm, const InputForm& form, const Tile& tile, Own& own) const {
  const std::size_t n = weights_.n_state;
  for (std::size_t row = 0; row < tile.n; ++row) {
    float* const values = own.rows.data() + row * n;
    kernels_.normalize(x_.data() + (tile.first + row) * n, n, norm.gain.data(), norm.shift.data(),
                       norm.epsilon, values);
    put_in_form(kernels_, form, 0, n, values, own.formed.data() + row * n * value_size(form));
  }
  return {own.formed.data(), n};
}

/// Queries, keys and values of the tile's frames.
void Encoder::project(const EncoderLayer& layer, const Tile& tile, Own& own) {
  const InputForm* form = nullptr;  // that own.formed is in
  LayerInput input;
  const auto take_form = [&](const Linear& linear) {
    if (form == nullptr || *form != linear.input()) {
      form = &linear.input();
      input = normed(layer.norm, *form, tile, own);
    }
  };
  take_form(layer.query);
  multiply(layer.query, input, tile.n, own, [&](const Columns& c) { keep_queries(layer, tile, c); });
  take_form(layer.key);
  multiply(layer.key, input, tile.n, own, [&](const Columns& c) { keep_keys(layer, tile, c); });
  take_form(layer.value);
  multiply(layer.value, input, tile.n, own, [&](const Columns& c) { keep_values(tile, c); });
}

void Encoder::keep_queries(const EncoderLayer& layer, const Tile& tile, const Columns& columns) {
  const InputForm& form = layer.query_form;
  for (std::size_t row = 0; row < tile.n; ++row) {
    kernels_.quantize(columns.values + row * kColumns, columns.n, form.low, form.step,
                      queries_.data() + (tile.first + row) * weights_.n_state + columns.first);
  }
}

/// With q = q₀ + s·i and k = k₀ + t·j in levels i and j, q · k = s·t·Σ i·j + q₀·t·Σ j and what is the same
/// for all keys of a query, which softmax does not see.
void Encoder::keep_keys(const EncoderLayer& layer, const Tile& tile, const Columns& columns) {
  const InputForm& form = layer.key_form;
  const float per_level = layer.query_form.low * form.step * layer.factor * kLog2E;
  for (std::size_t row = 0; row < tile.n; ++row) {
    std::array<std::uint8_t, kColumns> levels{};
    kernels_.quantize(columns.values + row * kColumns, columns.n, form.low, form.step, levels.data());
    const std::size_t key = tile.first + row;
    for (std::size_t c = 0; c < columns.n; c += kHeadSize) {
      const std::size_t head = (columns.first + c) / kHeadSize;
      auto* to = keys_.as<std::uint8_t>() + head * n_keys_ * kHeadSize + key / kBlock * kBlock * kHeadSize +
                 key % kBlock * kQuad;
      std::int32_t sum = 0;
      for (std::size_t i = c; i < c + kHeadSize; ++i) {
        sum += levels[i] - 128;
        levels[i] ^= 0x80U;  // signed, 128 less
      }
      for (std::size_t i = c; i < c + kHeadSize; i += kQuad, to += kBlock * kQuad) {
        std::memcpy(to, levels.data() + i, kQuad);
      }
      key_offset_[head * n_keys_ + key] = static_cast<float>(sum) * per_level;
    }
  }
}

void Encoder::keep_values(const Tile& tile, const Columns& columns) {
  for (std::size_t c = 0; c < columns.n; c += kHeadSize) {
    const std::size_t head = (columns.first + c) / kHeadSize;
    float* to = values_.as<float>() + (head * n_keys_ + tile.first) * kHeadSize;
    for (std::size_t row = 0; row < tile.n; ++row, to += kHeadSize) {
      std::copy_n(columns.values + row * kColumns + c, kHeadSize, to);
    }
  }
}

/// What is largest in a column is known only when all frames are.
void Encoder::pack_values() {
  team_.each(weights_.n_head, [&](std::size_t, std::size_t head) {
    const std::size_t first = head * n_keys_ * kHeadSize;
    kernels_.pack_values(values_.as<float>() + first, n_keys_, packed_values_.as<std::int8_t>() + first,
                         value_scale_.data() + head * kHeadSize);
  });
}

void Encoder::attend(const EncoderLayer& layer) {
  if (softmax_ == SoftmaxPrecision::int8) {
    pack_values();
  }
  std::ranges::fill(key_scale_, layer.query_form.step * layer.key_form.step * layer.factor * kLog2E);
  const std::size_t n_pieces = (weights_.n_frames + kQueriesOfPiece - 1) / kQueriesOfPiece;
  // Pieces of a head follow each other: its keys and values stay in the second cache.
  team_.each(weights_.n_head * n_pieces, [&](std::size_t worker, std::size_t unit) {
    const std::size_t first = unit % n_pieces * kQueriesOfPiece;
    const Tile queries{first, std::min(kQueriesOfPiece, weights_.n_frames - first)};
    attend(layer, unit / n_pieces, queries, own_[worker]);
  });
}

void Encoder::attend(const EncoderLayer& layer, std::size_t head, const Tile& tile, Own& own) {
  const std::size_t n = weights_.n_state;
  const InputForm& form = layer.output.input();
  const bool is_int8 = softmax_ == SoftmaxPrecision::int8;
  const std::size_t at = head * n_keys_ * kHeadSize;
  const HeadKeys keys{.keys = {.weights = keys_.data() + at,
                               .scale = key_scale_.data(),
                               .offset = key_offset_.data() + head * n_keys_,
                               .n_in = kHeadSize,
                               .n_out = n_keys_},
                      .values = is_int8 ? packed_values_.data() + at : values_.data() + at * sizeof(float),
                      .value_scale = value_scale_.data() + head * kHeadSize};
  const auto attend_to = is_int8 ? kernels_.attend_int8 : kernels_.attend_f32;
  auto* const attended = own.attended.as<float>();
  for (std::size_t first = tile.first; first < tile.first + tile.n; first += kernels_.n_queries) {
    const std::size_t n_queries = std::min(kernels_.n_queries, tile.first + tile.n - first);
    attend_to(keys, {.first = queries_.data() + first * n + head * kHeadSize,
                     .n = n_queries,
                     .stride = n,
                     .scratch = own.scratch.as<float>(),
                     .out = attended});
    for (std::size_t i = 0; i < n_queries; ++i) {
      put_in_form(kernels_, form, head * kHeadSize, kHeadSize, attended + i * kHeadSize,
                  attended_.data() + ((first + i) * n + head * kHeadSize) * value_size(form));
    }
  }
}

/// Adds a layer's outputs to x.
void Encoder::add_product(const Linear& linear, const LayerInput& input, const Tile& tile, Own& own) {
  multiply(linear, input, tile.n, own, [&](const Columns& columns) {
    for (std::size_t row = 0; row < tile.n; ++row) {
      kernels_.add(x_.data() + (tile.first + row) * weights_.n_state + columns.first,
                   columns.values + row * kColumns, columns.n);
    }
  });
}

void Encoder::feed_forward(const FeedForward& block, const Tile& tile, Own& own) {
  const InputForm& form = block.outer.input();
  const std::size_t n_inner = block.inner.n_out();
  const LayerInput input = normed(block.norm, block.inner.input(), tile, own);
  multiply(block.inner, input, tile.n, own, [&](const Columns& columns) {
    for (std::size_t row = 0; row < tile.n; ++row) {
      float* const values = columns.values + row * kColumns;
      std::byte* const to = own.inner.data() + (row * n_inner + columns.first) * value_size(form);
      if (form.is_quantized) {
        kernels_.gelu_quantize(values, form.scale.empty() ? nullptr : form.scale.data() + columns.first,
                               columns.n, form.low, form.step, reinterpret_cast<std::uint8_t*>(to));
      } else {
        kernels_.gelu(values, columns.n);
        put_in_form(kernels_, form, columns.first, columns.n, values, to);
      }
    }
  });
  add_product(block.outer, {own.inner.data(), n_inner}, tile, own);
}

std::map<std::string, int> Encoder::kernel_names() const {
  std::map<std::string, int> names;
  const auto count = [&](const Linear& linear) { ++names[linear.kernel_name(kernels_)]; };
  count(weights_.first.linear);
  count(weights_.second.linear);
  for (const EncoderLayer& layer : weights_.layers) {
    for (const Linear* linear : {&layer.query, &layer.key, &layer.value, &layer.output,
                                 &layer.feed_forward.inner, &layer.feed_forward.outer}) {
      count(*linear);
    }
  }
  return names;
}

}  // namespace sotto::engine
