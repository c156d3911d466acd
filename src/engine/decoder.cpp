#include "engine/decoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::engine {
namespace {

std::size_t widest(const DecoderWeights& weights) {
  std::size_t n = weights.n_state;
  for (const DecoderLayer& layer : weights.layers) {
    n = std::max(n, layer.feed_forward.inner.n_out());
  }
  return n;
}

}  // namespace

struct Decoder::Piece {
  std::size_t first = 0;
  std::size_t last = 0;
};

struct Decoder::Pieces {
  std::size_t n = 0;
  std::size_t size = 0;
  std::size_t n_blocks = 0;

  Piece operator[](std::size_t i) const { return {i * size, std::min((i + 1) * size, n_blocks)}; }
};

struct Decoder::Columns {
  std::size_t first = 0;
  std::size_t n = 0;
};

Decoder::Columns Decoder::columns_of(const Linear& linear, const Piece& piece) {
  const std::size_t first = piece.first * kBlock;
  return {first, std::min(piece.last * kBlock, linear.n_out()) - first};
}

/// One head's attention out of that to parts of its keys.
void Decoder::put_together(std::span<const Attended> parts, float* to) {
  const float max = std::ranges::max_element(parts, {}, &Attended::max)->max;
  float sum = 0.0F;
  std::fill_n(to, kHeadSize, 0.0F);
  for (const Attended& part : parts) {
    const float weight = std::exp(part.max - max);
    sum += weight * part.sum;
    for (std::size_t d = 0; d < kHeadSize; ++d) {
      to[d] += weight * part.values[d];
    }
  }
  for (std::size_t d = 0; d < kHeadSize; ++d) {
    to[d] /= sum;
  }
}

Decoder::Decoder(DecoderWeights weights, Store store, Team& team, const Kernels& kernels)
    : weights_(std::move(weights)),
      store_(store),
      value_size_(store == Store::bf16 ? 2 : 4),
      kernels_(kernels),
      team_(team),
      cache_(weights_.layers.size(), weights_.n_ctx, weights_.n_state, value_size_),
      own_(team_.size()),
      x_(kMostItems * weights_.n_state),
      query_(kMostItems * weights_.n_state),
      fresh_(2 * kMostItems * weights_.n_state),
      attended_(kMostItems * weights_.n_head * kWindowParts),
      inner_(kMostItems * widest(weights_)),
      levels_(kMostItems * widest(weights_)) {
  for (Own& own : own_) {
    own.rows.resize(kMostItems * weights_.n_state);
    own.levels.resize(kMostItems * weights_.n_state);
  }
}

std::span<float> Decoder::run(const StepInput& input) {
  const std::vector<Item> items = items_of(input);
  const std::size_t n_rows = input.source_rows.size();
  const std::size_t n_tokens = items.size() / n_rows;
  cache_.extend(input.source_rows, n_tokens);
  const std::size_t n_wanted = n_rows * input.logit_positions.size();
  wanted_.clear();
  for (std::size_t first = 0; first < items.size(); first += kMostItems) {
    const Chunk chunk{std::span(items).subspan(first, std::min(kMostItems, items.size() - first)), input};
    embed(chunk.items);
    for (std::size_t layer = 0; layer < weights_.layers.size(); ++layer) {
      run_layer(layer, chunk);
    }
    for (std::size_t i = 0; i < chunk.items.size(); ++i) {
      const auto place = static_cast<std::int64_t>((first + i) % n_tokens);
      const auto x = std::span(x_).subspan(i * weights_.n_state, weights_.n_state);
      for (auto n = std::ranges::count(input.logit_positions, place); n > 0; --n) {
        wanted_.insert(wanted_.end(), x.begin(), x.end());
      }
    }
  }
  logits_.resize(n_wanted * weights_.logits.n_out());
  const Pieces pieces = pieces_of(weights_.logits);
  begin_loop();
  team_.each(pieces.n, [&](std::size_t worker, std::size_t i) {
    const void* input_rows = normed(weights_.norm, weights_.logits.input(), wanted_, n_wanted, own_[worker]);
    multiply_piece(weights_.logits, input_rows, n_wanted, logits_.data(), pieces[i]);
  });
  return logits_;
}

std::vector<Decoder::Item> Decoder::items_of(const StepInput& input) const {
  const std::size_t n_rows = input.source_rows.size();
  const std::size_t n_tokens = input.tokens.size() / n_rows;
  if (cache_.length() + n_tokens > weights_.n_ctx) {
    throw Error(
        ErrorCode::invalid_argument, "decoder",
        fmt::format("expected at most {} tokens, found {}.", weights_.n_ctx, cache_.length() + n_tokens));
  }
  std::vector<Item> items;
  for (std::size_t i = 0; i < input.tokens.size(); ++i) {
    const std::int64_t token = input.tokens[i];
    if (token < 0 || std::cmp_greater_equal(token, weights_.tokens.n_vocab())) {
      throw Error(ErrorCode::invalid_argument, "decoder",
                  fmt::format("expected a token below {}, found {}.", weights_.tokens.n_vocab(), token));
    }
    items.push_back({token, i / n_tokens, cache_.length() + i % n_tokens});
  }
  return items;
}

void Decoder::embed(std::span<const Item> items) {
  const std::size_t n = weights_.n_state;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::span<float> x = std::span(x_).subspan(i * n, n);
    const float* const position = weights_.positions.data() + items[i].position * n;
    std::copy(position, position + x.size(), x.begin());
    weights_.tokens.add(static_cast<std::size_t>(items[i].token), x);
  }
}

void Decoder::run_layer(std::size_t i, const Chunk& chunk) {
  const DecoderLayer& layer = weights_.layers[i];
  const std::size_t n_items = chunk.items.size();
  project_tokens(i, chunk);
  attend_tokens(i, chunk);
  add_attended(layer.self_output, n_items, 1);
  const Pieces pieces = pieces_of(layer.cross_query);
  begin_loop();
  team_.each(pieces.n, [&](std::size_t worker, std::size_t p) {
    const void* input = normed(layer.cross_norm, layer.cross_query.input(), x_, n_items, own_[worker]);
    multiply_piece(layer.cross_query, input, n_items, query_.data(), pieces[p]);
  });
  attend_window(i, chunk);
  add_attended(layer.cross_output, n_items, kWindowParts);
  feed_forward(layer.feed_forward, n_items);
}

/// The blocks of a layer's outputs, about two pieces for each worker.
Decoder::Pieces Decoder::pieces_of(const Linear& linear) const {
  constexpr std::size_t kFewest = 2;  // the kernels take two at once
  const std::size_t n_blocks = linear.n_blocks();
  const std::size_t size = std::max(kFewest, (n_blocks + 2 * team_.size() - 1) / (2 * team_.size()));
  return {(n_blocks + size - 1) / size, size, n_blocks};
}

/// What workers have in own.rows is of an earlier loop.
void Decoder::begin_loop() {
  for (Own& own : own_) {
    own.form = nullptr;
  }
}

/// The rows in own.rows as a layer takes them.
const void* Decoder::in_form(const InputForm& form, std::size_t n_items, Own& own) const {
  const std::size_t n = weights_.n_state;
  for (std::size_t i = 0; i < n_items && !form.scale.empty(); ++i) {
    kernels_.multiply(own.rows.data() + i * n, form.scale.data(), n);
  }
  if (form.is_quantized) {
    kernels_.quantize(own.rows.data(), n_items * n, form.low, form.step, own.levels.data());
  }
  own.form = &form;
  return formed(form, own);
}

const void* Decoder::formed(const InputForm& form, const Own& own) {
  return form.is_quantized ? static_cast<const void*>(own.levels.data()) : own.rows.data();
}

/// Each worker does this for itself, once in a loop: it is less work than waiting for another one.
const void* Decoder::normed(
    const Norm& norm, const InputForm& form, std::span<const float> x, std::size_t n_items, Own& own) const {
  if (own.form == &form) {
    return formed(form, own);
  }
  const std::size_t n = weights_.n_state;
  own.rows.resize(std::max(own.rows.size(), n_items * n));
  own.levels.resize(own.rows.size());
  for (std::size_t i = 0; i < n_items; ++i) {
    kernels_.normalize(x.data() + i * n, n, norm.gain.data(), norm.shift.data(), norm.epsilon,
                       own.rows.data() + i * n);
  }
  return in_form(form, n_items, own);
}

/// Some outputs of all items, y being [n_items, n_out].
void Decoder::multiply_piece(
    const Linear& linear, const void* input, std::size_t n_items, float* y, const Piece& piece) const {
  linear.multiply(kernels_, {input, n_items, y, linear.n_out()}, piece.first, piece.last);
}

/// The same, added to x.
void Decoder::add_product(const Linear& linear, const void* input, std::size_t n_items, const Piece& piece) {
  multiply_piece(linear, input, n_items, query_.data(), piece);
  const Columns columns = columns_of(linear, piece);
  for (std::size_t i = 0; i < n_items; ++i) {
    const float* const from = query_.data() + i * weights_.n_state + columns.first;
    float* const x = x_.data() + i * weights_.n_state + columns.first;
    std::transform(x, x + columns.n, from, x, std::plus<>());
  }
}

/// Of query, key or value: the first of equal ones, which workers know by its address.
const InputForm& Decoder::form_of(const DecoderLayer& layer, const Linear& linear) {
  return linear.input() == layer.query.input() ? layer.query.input() : linear.input();
}

/// Queries into query_, keys and values into the cache.
void Decoder::project_tokens(std::size_t i, const Chunk& chunk) {
  const DecoderLayer& layer = weights_.layers[i];
  const std::size_t n_items = chunk.items.size();
  const std::array<const Linear*, 3> linears = {&layer.query, &layer.key, &layer.value};
  const std::array<float*, 3> outputs = {query_.data(), fresh_.data(),
                                         fresh_.data() + kMostItems * weights_.n_state};
  const Pieces pieces = pieces_of(layer.query);
  begin_loop();
  team_.each(3 * pieces.n, [&](std::size_t worker, std::size_t p) {
    const std::size_t kind = p / pieces.n;
    const Linear& linear = *linears[kind];
    const Piece piece = pieces[p % pieces.n];
    const void* input = normed(layer.self_norm, form_of(layer, linear), x_, n_items, own_[worker]);
    multiply_piece(linear, input, n_items, outputs[kind], piece);
    if (kind != 0) {
      keep(chunk.items, outputs[kind], columns_of(linear, piece), [&](const Item& item) {
        return kind == 1 ? cache_.key(i, item.row, item.position) : cache_.value(i, item.row, item.position);
      });
    }
  });
}

/// Writes columns of K or V to where they are kept.
template <typename Place>
void Decoder::keep(std::span<const Item> items,
                   const float* fresh,
                   const Columns& columns,
                   const Place& place) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const float* const from = fresh + i * weights_.n_state + columns.first;
    std::byte* const to = place(items[i]) + columns.first * value_size_;
    if (store_ == Store::bf16) {
      kernels_.to_bf16(from, columns.n, reinterpret_cast<std::uint16_t*>(to));
    } else {
      std::memcpy(to, from, columns.n * sizeof(float));
    }
  }
}

/// Attention of a query to the keys of own.parts.
void Decoder::attend(const float* query, Attended& to, Own& own) const {
  std::size_t n = 0;
  for (const Part& part : own.parts) {
    n += part.n;
  }
  own.scores.resize(std::max(own.scores.size(), n));
  float* scores = own.scores.data();
  const auto score = store_ == Store::bf16 ? kernels_.scores_bf16 : kernels_.scores_f32;
  const auto add_weighted = store_ == Store::bf16 ? kernels_.add_weighted_bf16 : kernels_.add_weighted_f32;
  for (const Part& part : own.parts) {
    score({part.keys, part.n, part.stride}, query, scores);
    scores += part.n;
  }
  to.max = kernels_.exponentials(own.scores.data(), n, &to.sum);
  std::fill(std::begin(to.values), std::end(to.values), 0.0F);
  scores = own.scores.data();
  for (const Part& part : own.parts) {
    add_weighted({part.values, part.n, part.stride}, scores, to.values);
    scores += part.n;
  }
}

void Decoder::attend_tokens(std::size_t layer, const Chunk& chunk) {
  const std::size_t n_head = weights_.n_head;
  team_.each(chunk.items.size() * n_head, [&](std::size_t worker, std::size_t unit) {
    const Item& item = chunk.items[unit / n_head];
    const std::size_t offset = unit % n_head * kHeadSize * value_size_;
    Own& own = own_[worker];
    own.parts.clear();
    for (std::size_t first = 0; first <= item.position;) {
      const TokenCache::Stretch s = cache_.stretch(layer, item.row, first, item.position + 1);
      own.parts.push_back({s.keys + offset, s.values + offset, s.n, weights_.n_state});
      first += s.n;
    }
    attend(query_.data() + unit * kHeadSize, attended_[unit], own);
  });
}

/// Units go by head first: rows about one window read the same keys one after the other.
void Decoder::attend_window(std::size_t i, const Chunk& chunk) {
  const std::size_t n_items = chunk.items.size();
  constexpr std::size_t n_parts = kWindowParts;
  const std::size_t n_frames = chunk.input.n_frames;
  const WindowKeys& window = chunk.input.windows[i];
  team_.each(weights_.n_head * n_parts * n_items, [&](std::size_t worker, std::size_t unit) {
    const std::size_t item = unit % n_items;
    const std::size_t part = unit / n_items % n_parts;
    const std::size_t head = unit / n_items / n_parts;
    const std::size_t place = chunk.input.row_windows[chunk.items[item].row];
    const std::size_t first = n_frames * part / n_parts;
    const std::size_t offset =
        ((place * weights_.n_head + head) * n_frames + first) * kHeadSize * value_size_;
    Own& own = own_[worker];
    own.parts.assign(1, {static_cast<const std::byte*>(window.keys) + offset,
                         static_cast<const std::byte*>(window.values) + offset,
                         n_frames * (part + 1) / n_parts - first, kHeadSize});
    attend(query_.data() + item * weights_.n_state + head * kHeadSize,
           attended_[(item * weights_.n_head + head) * n_parts + part], own);
  });
}

/// Puts the parts of each head together, and adds the projection of that to x.
void Decoder::add_attended(const Linear& output, std::size_t n_items, std::size_t n_parts) {
  const Pieces pieces = pieces_of(output);
  const InputForm& form = output.input();
  begin_loop();
  team_.each(pieces.n, [&](std::size_t worker, std::size_t p) {
    Own& own = own_[worker];
    if (own.form != &form) {
      for (std::size_t unit = 0; unit < n_items * weights_.n_head; ++unit) {
        put_together(std::span(attended_).subspan(unit * n_parts, n_parts),
                     own.rows.data() + unit * kHeadSize);
      }
      in_form(form, n_items, own);
    }
    add_product(output, formed(form, own), n_items, pieces[p]);
  });
}

void Decoder::feed_forward(const FeedForward& block, std::size_t n_items) {
  const InputForm& form = block.outer.input();
  const Pieces inner = pieces_of(block.inner);
  begin_loop();
  team_.each(inner.n, [&](std::size_t worker, std::size_t p) {
    const void* input = normed(block.norm, block.inner.input(), x_, n_items, own_[worker]);
    multiply_piece(block.inner, input, n_items, inner_.data(), inner[p]);
    const Columns columns = columns_of(block.inner, inner[p]);
    for (std::size_t i = 0; i < n_items; ++i) {
      const std::size_t at = i * block.inner.n_out() + columns.first;
      kernels_.gelu(inner_.data() + at, columns.n);
      if (!form.scale.empty()) {
        kernels_.multiply(inner_.data() + at, form.scale.data() + columns.first, columns.n);
      }
      if (form.is_quantized) {
        kernels_.quantize(inner_.data() + at, columns.n, form.low, form.step, levels_.data() + at);
      }
    }
  });
  const void* const input = form.is_quantized ? static_cast<const void*>(levels_.data()) : inner_.data();
  const Pieces outer = pieces_of(block.outer);
  team_.each(outer.n,
             [&](std::size_t, std::size_t p) { add_product(block.outer, input, n_items, outer[p]); });
}

std::map<std::string, int> Decoder::kernel_names() const {
  std::map<std::string, int> names;
  const auto count = [&](const Linear& linear) { ++names[linear.kernel_name(kernels_)]; };
  for (const DecoderLayer& layer : weights_.layers) {
    for (const Linear* linear :
         {&layer.query, &layer.key, &layer.value, &layer.self_output, &layer.cross_query, &layer.cross_output,
          &layer.feed_forward.inner, &layer.feed_forward.outer}) {
      count(*linear);
    }
  }
  count(weights_.logits);
  return names;
}

}  // namespace sotto::engine
