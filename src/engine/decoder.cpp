#include "engine/decoder.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sotto/error.h"

namespace sotto::engine {
namespace {

std::size_t widest(const DecoderWeights& weights) {
  std::size_t n = weights.n_state;
  for (const DecoderLayer& layer : weights.layers) {
    n = std::max(n, layer.inner.n_out());
  }
  return n;
}

std::string_view precision_of(WeightStore store) {
  switch (store) {
    case WeightStore::int8:
      return "I8";
    case WeightStore::f16:
      return "FP16";
    case WeightStore::bf16:
      return "BF16";
    case WeightStore::f32:
      break;
  }
  return "FP32";
}

std::size_t n_columns(const Linear& linear, std::size_t block) {
  return std::min(block * kBlock, linear.n_out());
}

}  // namespace

Decoder::Decoder(DecoderWeights weights, Store store, std::size_t n_threads, const Kernels& kernels)
    : weights_(std::move(weights)),
      store_(store),
      value_size_(store == Store::bf16 ? 2 : 4),
      kernels_(kernels),
      team_(std::max<std::size_t>(n_threads, 1)),
      cache_(weights_.layers.size(), weights_.n_ctx, weights_.n_state, value_size_),
      own_(team_.size()),
      x_(kMostItems * weights_.n_state),
      query_(kMostItems * weights_.n_state),
      fresh_(2 * kMostItems * weights_.n_state),
      attended_(kMostItems * weights_.n_head * kMostParts),
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
  wanted_.resize(n_wanted * weights_.n_state);
  logits_.resize(n_wanted * weights_.logits.n_out());
  auto wanted = wanted_.begin();
  for (std::size_t first = 0; first < items.size(); first += kMostItems) {
    const Chunk chunk{std::span(items).subspan(first, std::min(kMostItems, items.size() - first)), input};
    embed(chunk.items);
    team_.run([&](std::size_t worker) {
      for (std::size_t layer = 0; layer < weights_.layers.size(); ++layer) {
        run_layer(layer, chunk, worker);
      }
    });
    for (std::size_t i = 0; i < chunk.items.size(); ++i) {
      const auto place = static_cast<std::int64_t>((first + i) % n_tokens);
      const auto n_times = std::ranges::count(input.logit_positions, place);
      for (std::ptrdiff_t time = 0; time < n_times; ++time) {
        wanted = std::copy_n(x_.begin() + static_cast<std::ptrdiff_t>(i * weights_.n_state), weights_.n_state,
                             wanted);
      }
    }
  }
  team_.run([&](std::size_t worker) { write_logits(n_wanted, worker); });
  return logits_;
}

std::vector<Decoder::Item> Decoder::items_of(const StepInput& input) const {
  const std::size_t n_rows = input.source_rows.size();
  const std::size_t n_tokens = input.tokens.size() / n_rows;
  if (cache_.length() + n_tokens > weights_.n_ctx) {
    throw Error(ErrorCode::invalid_argument, "decoder",
                fmt::format("expected at most {} tokens, found {}.", weights_.n_ctx,
                            cache_.length() + n_tokens));
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

void Decoder::run_layer(std::size_t i, const Chunk& chunk, std::size_t worker) {
  const DecoderLayer& layer = weights_.layers[i];
  const std::size_t n_items = chunk.items.size();
  project_tokens(i, chunk, worker);
  team_.meet();
  attend_tokens(i, chunk, worker);
  team_.meet();
  add_attended(layer.self_output, n_items, 1, worker);
  team_.meet();
  multiply_part(layer.cross_query,
                normed(layer.cross_norm, layer.cross_query.input(), x_, n_items, own_[worker]), n_items,
                query_.data(), worker);
  team_.meet();
  attend_window(i, chunk, worker);
  team_.meet();
  add_attended(layer.cross_output, n_items, n_window_parts(n_items), worker);
  team_.meet();
  feed_forward(layer, n_items, worker);
  team_.meet();
}

/// The rows in own.rows as a layer takes them.
const void* Decoder::in_form(const InputForm& form, std::size_t n_values, std::size_t n_items, Own& own) const {
  for (std::size_t i = 0; i < n_items && !form.scale.empty(); ++i) {
    kernels_.multiply(own.rows.data() + i * n_values, form.scale.data(), n_values);
  }
  if (!form.is_quantized) {
    return own.rows.data();
  }
  kernels_.quantize(own.rows.data(), n_items * n_values, form.low, form.step, own.levels.data());
  return own.levels.data();
}

const void* Decoder::normed(
    const Norm& norm, const InputForm& form, std::span<const float> x, std::size_t n_items, Own& own) const {
  const std::size_t n = weights_.n_state;
  own.rows.resize(std::max(own.rows.size(), n_items * n));
  own.levels.resize(own.rows.size());
  for (std::size_t i = 0; i < n_items; ++i) {
    kernels_.normalize(x.data() + i * n, n, norm.gain.data(), norm.shift.data(), norm.epsilon,
                       own.rows.data() + i * n);
  }
  return in_form(form, n, n_items, own);
}

/// A worker's part of a product of all items, y being [n_items, n_out].
void Decoder::multiply_part(
    const Linear& linear, const void* input, std::size_t n_items, float* y, std::size_t worker) const {
  const Team::Part part = team_.part(linear.n_blocks(), worker);
  linear.multiply(kernels_, {input, n_items, y, linear.n_out()}, part.first, part.last);
}

/// The same, added to x.
void Decoder::add_product(const Linear& linear, const void* input, std::size_t n_items, std::size_t worker) {
  multiply_part(linear, input, n_items, query_.data(), worker);
  const Team::Part part = team_.part(linear.n_blocks(), worker);
  const std::size_t first = n_columns(linear, part.first);
  const std::size_t last = n_columns(linear, part.last);
  for (std::size_t i = 0; i < n_items; ++i) {
    for (std::size_t column = first; column < last; ++column) {
      x_[i * weights_.n_state + column] += query_[i * weights_.n_state + column];
    }
  }
}

/// Queries into query_, keys and values into the cache: each worker some columns of all three.
void Decoder::project_tokens(std::size_t i, const Chunk& chunk, std::size_t worker) {
  const DecoderLayer& layer = weights_.layers[i];
  const std::size_t n_items = chunk.items.size();
  Own& own = own_[worker];
  const void* input = normed(layer.self_norm, layer.query.input(), x_, n_items, own);
  multiply_part(layer.query, input, n_items, query_.data(), worker);
  float* const fresh[] = {fresh_.data(), fresh_.data() + kMostItems * weights_.n_state};
  const Linear* const linears[] = {&layer.key, &layer.value};
  const InputForm* form = &layer.query.input();
  const Team::Part part = team_.part(layer.key.n_blocks(), worker);
  const std::size_t column = n_columns(layer.key, part.first);
  const std::size_t n = n_columns(layer.key, part.last) - column;
  for (std::size_t kind = 0; kind < 2; ++kind) {
    if (linears[kind]->input() != *form) {
      form = &linears[kind]->input();
      input = normed(layer.self_norm, *form, x_, n_items, own);
    }
    multiply_part(*linears[kind], input, n_items, fresh[kind], worker);
    for (std::size_t item = 0; item < n_items; ++item) {
      const auto [token, row, position] = chunk.items[item];
      std::byte* const to = kind == 0 ? cache_.key(i, row, position) : cache_.value(i, row, position);
      const float* const from = fresh[kind] + item * weights_.n_state + column;
      if (store_ == Store::bf16) {
        kernels_.to_bf16(from, n, reinterpret_cast<std::uint16_t*>(to) + column);
      } else {
        std::copy_n(from, n, reinterpret_cast<float*>(to) + column);
      }
    }
  }
}

/// Attention of a query to keys that lie in one or more places.
void Decoder::attend(std::span<const Part> parts, const float* query, Attended& to, Own& own) const {
  std::size_t n = 0;
  for (const Part& part : parts) {
    n += part.n;
  }
  own.scores.resize(std::max(own.scores.size(), n));
  float* scores = own.scores.data();
  const auto score = store_ == Store::bf16 ? kernels_.scores_bf16 : kernels_.scores_f32;
  const auto add_weighted = store_ == Store::bf16 ? kernels_.add_weighted_bf16 : kernels_.add_weighted_f32;
  for (const Part& part : parts) {
    score({part.keys, part.n, part.stride}, query, scores);
    scores += part.n;
  }
  to.max = kernels_.exponentials(own.scores.data(), n, &to.sum);
  std::fill(std::begin(to.values), std::end(to.values), 0.0F);
  scores = own.scores.data();
  for (const Part& part : parts) {
    add_weighted({part.values, part.n, part.stride}, scores, to.values);
    scores += part.n;
  }
}

void Decoder::attend_tokens(std::size_t layer, const Chunk& chunk, std::size_t worker) {
  const std::size_t n_head = weights_.n_head;
  const std::size_t n_units = chunk.items.size() * n_head;
  const Team::Part units = team_.part(n_units, worker);
  std::vector<Part> parts;
  for (std::size_t unit = units.first; unit < units.last; ++unit) {
    const Item& item = chunk.items[unit / n_head];
    const std::size_t head = unit % n_head;
    const std::size_t offset = head * kHeadSize * value_size_;
    parts.clear();
    for (std::size_t first = 0; first <= item.position;) {
      const TokenCache::Stretch s = cache_.stretch(layer, item.row, first, item.position + 1);
      parts.push_back({s.keys + offset, s.values + offset, s.n, weights_.n_state});
      first += s.n;
    }
    attend(parts, query_.data() + unit * kHeadSize, attended_[unit], own_[worker]);
  }
}

/// In how many parts the frames of a window are attended to, so that all workers have the same to do.
std::size_t Decoder::n_window_parts(std::size_t n_items) const {
  const std::size_t n_units = n_items * weights_.n_head;
  std::size_t n_parts = 1;
  while (n_parts < kMostParts && n_units * n_parts < 8 * team_.size() && n_units * n_parts % team_.size() != 0) {
    ++n_parts;
  }
  return n_parts;
}

/// Units go by head first: rows about one window read the same keys one after the other.
void Decoder::attend_window(std::size_t i, const Chunk& chunk, std::size_t worker) {
  const std::size_t n_items = chunk.items.size();
  const std::size_t n_parts = n_window_parts(n_items);
  const std::size_t n_frames = chunk.input.n_frames;
  const WindowKeys& window = chunk.input.windows[i];
  const Team::Part units = team_.part(weights_.n_head * n_parts * n_items, worker);
  for (std::size_t unit = units.first; unit < units.last; ++unit) {
    const std::size_t item = unit % n_items;
    const std::size_t part = unit / n_items % n_parts;
    const std::size_t head = unit / n_items / n_parts;
    const std::size_t place = chunk.input.row_windows[chunk.items[item].row];
    const std::size_t first = n_frames * part / n_parts;
    const std::size_t offset =
        ((place * weights_.n_head + head) * n_frames + first) * kHeadSize * value_size_;
    const Part keys{static_cast<const std::byte*>(window.keys) + offset,
                    static_cast<const std::byte*>(window.values) + offset,
                    n_frames * (part + 1) / n_parts - first, kHeadSize};
    attend({&keys, 1}, query_.data() + item * weights_.n_state + head * kHeadSize,
           attended_[(item * weights_.n_head + head) * n_parts + part], own_[worker]);
  }
}

/// Puts the parts of each head together, and adds the projection of that to x.
void Decoder::add_attended(const Linear& output,
                           std::size_t n_items,
                           std::size_t n_parts,
                           std::size_t worker) {
  Own& own = own_[worker];
  for (std::size_t unit = 0; unit < n_items * weights_.n_head; ++unit) {
    const std::span<const Attended> parts = std::span(attended_).subspan(unit * n_parts, n_parts);
    const float max = std::ranges::max_element(parts, {}, &Attended::max)->max;
    float* const to = own.rows.data() + unit * kHeadSize;
    std::fill_n(to, kHeadSize, 0.0F);
    float sum = 0.0F;
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
  add_product(output, in_form(output.input(), weights_.n_state, n_items, own), n_items, worker);
}

void Decoder::feed_forward(const DecoderLayer& layer, std::size_t n_items, std::size_t worker) {
  const void* input = normed(layer.feed_forward_norm, layer.inner.input(), x_, n_items, own_[worker]);
  multiply_part(layer.inner, input, n_items, inner_.data(), worker);
  const std::size_t n_inner = layer.inner.n_out();
  const InputForm& form = layer.outer.input();
  const Team::Part part = team_.part(layer.inner.n_blocks(), worker);
  const std::size_t column = n_columns(layer.inner, part.first);
  const std::size_t n = n_columns(layer.inner, part.last) - column;
  for (std::size_t i = 0; i < n_items; ++i) {
    float* const own_columns = inner_.data() + i * n_inner + column;
    kernels_.gelu(own_columns, n);
    if (!form.scale.empty()) {
      kernels_.multiply(own_columns, form.scale.data() + column, n);
    }
    if (form.is_quantized) {
      kernels_.quantize(own_columns, n, form.low, form.step, levels_.data() + i * n_inner + column);
    }
  }
  team_.meet();
  const void* const inner = form.is_quantized ? static_cast<const void*>(levels_.data()) : inner_.data();
  add_product(layer.outer, inner, n_items, worker);
}

void Decoder::write_logits(std::size_t n_wanted, std::size_t worker) {
  const void* input = normed(weights_.norm, weights_.logits.input(), wanted_, n_wanted, own_[worker]);
  multiply_part(weights_.logits, input, n_wanted, logits_.data(), worker);
}

std::map<std::string, int> Decoder::kernel_names() const {
  std::map<std::string, int> names;
  const auto count = [&](const Linear& linear) {
    ++names[fmt::format("sotto_{}_{}", kernels_.name, precision_of(linear.store()))];
  };
  for (const DecoderLayer& layer : weights_.layers) {
    for (const Linear* linear : {&layer.query, &layer.key, &layer.value, &layer.self_output,
                                 &layer.cross_query, &layer.cross_output, &layer.inner, &layer.outer}) {
      count(*linear);
    }
  }
  count(weights_.logits);
  return names;
}

}  // namespace sotto::engine
