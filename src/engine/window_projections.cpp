#include "engine/window_projections.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include <openvino/op/convert.hpp>
#include <openvino/op/parameter.hpp>

#include "engine/read_graph.h"
#include "engine/tiles.h"

namespace sotto::engine {
namespace {

Linear read_projection(Value value) {
  if (as<ov::op::v0::Convert>(value)) {
    value = value.get_node()->input_value(0);
  }
  const InputForm rounded = read_attended(value);
  ReadLinear read = read_linear(value);
  read.linear.round_to({rounded.low, rounded.step});
  expect<ov::op::v0::Parameter>(read.source, "encoder_hidden_states");
  if (!read.linear.input().is_quantized) {
    refuse(value, "is not in INT8");
  }
  if (read.linear.n_out() % kHeadSize != 0) {
    refuse(value, "has no heads of Whisper's size");
  }
  return std::move(read.linear);
}

}  // namespace

std::optional<std::vector<Linear>> read_window_projections(const ov::Model& projections,
                                                           std::string& why_not) {
  return unless_otherwise(why_not, [&] {
    std::vector<Linear> linears;
    for (const auto& result : projections.get_results()) {
      linears.push_back(read_projection(result->input_value(0)));
    }
    return linears;
  });
}

WindowProjections::WindowProjections(std::vector<Linear> linears,
                                     Store store,
                                     Team& team,
                                     const Kernels& kernels)
    : linears_(std::move(linears)), store_(store), team_(team), kernels_(kernels), columns_(team.size()) {
  for (AlignedBytes& columns : columns_) {
    columns = AlignedBytes(kTile * kColumns * sizeof(float));
  }
}

void WindowProjections::run(std::span<const float> hidden_states, std::span<void* const> outputs) {
  for (std::size_t first = 0; first < linears_.size();) {
    const InputForm& form = linears_[first].input();
    const auto other = std::find_if(linears_.begin() + static_cast<std::ptrdiff_t>(first), linears_.end(),
                                    [&](const Linear& linear) { return linear.input() != form; });
    const auto last = static_cast<std::size_t>(other - linears_.begin());
    put_in_form(form, hidden_states);
    multiply(first, last, outputs);
    first = last;
  }
}

void WindowProjections::put_in_form(const InputForm& form, std::span<const float> hidden_states) {
  const std::size_t n_state = linears_.front().n_in();
  rows_.resize(hidden_states.size());
  levels_.resize(hidden_states.size());
  over_tiles(team_, hidden_states.size() / n_state, [&](std::size_t, const Tile& tile) {
    for (std::size_t at = tile.first * n_state; at < (tile.first + tile.n) * n_state; at += n_state) {
      std::copy_n(hidden_states.data() + at, n_state, rows_.data() + at);
      engine::put_in_form(kernels_, form, 0, n_state, rows_.data() + at,
                          reinterpret_cast<std::byte*>(levels_.data() + at));
    }
  });
}

/// One layer after the other: what comes out is several times what the last cache holds, and with all layers
/// of a tile at once each tile would read their weights from memory.
void WindowProjections::multiply(std::size_t first, std::size_t last, std::span<void* const> outputs) {
  const std::size_t n_frames = levels_.size() / linears_.front().n_in();
  const std::size_t n_tiles = (n_frames + kTile - 1) / kTile;
  team_.each((last - first) * n_tiles, [&](std::size_t worker, std::size_t unit) {
    const std::size_t i = first + unit / n_tiles;
    const std::size_t row = unit % n_tiles * kTile;
    const Tile tile{row, std::min(kTile, n_frames - row)};
    const std::size_t n_state = linears_[i].n_in();
    multiply_tile(kernels_, linears_[i], {levels_.data() + row * n_state, n_state}, tile.n,
                  columns_[worker].as<float>(), [&](const Columns& columns) {
                    keep(tile, columns, n_frames, static_cast<std::byte*>(outputs[i]));
                  });
  });
}

void WindowProjections::keep(const Tile& tile,
                             const Columns& columns,
                             std::size_t n_frames,
                             std::byte* output) const {
  const std::size_t n_bytes = kHeadSize * (store_ == Store::bf16 ? 2 : sizeof(float));
  for (std::size_t c = 0; c < columns.n; c += kHeadSize) {
    const std::size_t head = (columns.first + c) / kHeadSize;
    std::byte* to = output + (head * n_frames + tile.first) * n_bytes;
    for (std::size_t row = 0; row < tile.n; ++row, to += n_bytes) {
      const float* const values = columns.values + row * kColumns + c;
      if (store_ == Store::bf16) {
        kernels_.to_bf16(values, kHeadSize, reinterpret_cast<std::uint16_t*>(to));
      } else {
        std::memcpy(to, values, n_bytes);
      }
    }
  }
}

std::map<std::string, int> WindowProjections::kernel_names() const {
  std::map<std::string, int> names;
  for (const Linear& linear : linears_) {
    ++names[linear.kernel_name(kernels_)];
  }
  return names;
}

}  // namespace sotto::engine
