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
  ReadLinear read = read_linear(arranged(value));
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
  try {
    std::vector<Linear> linears;
    for (const auto& result : projections.get_results()) {
      linears.push_back(read_projection(result->input_value(0)));
    }
    return linears;
  } catch (const Otherwise& otherwise) {
    why_not = otherwise.reason;
    return std::nullopt;
  }
}

WindowProjections::WindowProjections(std::vector<Linear> linears,
                                     Store store,
                                     Team& team,
                                     const Kernels& kernels)
    : linears_(std::move(linears)), store_(store), team_(team), kernels_(kernels), own_(team.size()) {
  const std::size_t n_state = linears_.front().n_in();
  for (Own& own : own_) {
    own.row = AlignedBytes(n_state * sizeof(float));
    own.formed = AlignedBytes(kTile * n_state);
    own.columns = AlignedBytes(kTile * kColumns * sizeof(float));
  }
}

void WindowProjections::run(std::span<const float> hidden_states, std::span<void* const> outputs) {
  const std::size_t n_state = linears_.front().n_in();
  const std::size_t n_frames = hidden_states.size() / n_state;
  const std::size_t value_bytes = store_ == Store::bf16 ? 2 : sizeof(float);
  over_tiles(team_, n_frames, [&](std::size_t worker, const Tile& tile) {
    Own& own = own_[worker];
    const InputForm* form = nullptr;  // that own.formed is in
    for (std::size_t i = 0; i < linears_.size(); ++i) {
      const Linear& linear = linears_[i];
      if (form == nullptr || *form != linear.input()) {
        form = &linear.input();
        for (std::size_t row = 0; row < tile.n; ++row) {
          std::memcpy(own.row.data(), hidden_states.data() + (tile.first + row) * n_state,
                      n_state * sizeof(float));
          put_in_form(kernels_, *form, 0, n_state, own.row.as<float>(), own.formed.data() + row * n_state);
        }
      }
      auto* const output = static_cast<std::byte*>(outputs[i]);
      const auto keep = [&](const Columns& columns) {
        for (std::size_t c = 0; c < columns.n; c += kHeadSize) {
          const std::size_t head = (columns.first + c) / kHeadSize;
          std::byte* to = output + (head * n_frames + tile.first) * kHeadSize * value_bytes;
          for (std::size_t row = 0; row < tile.n; ++row, to += kHeadSize * value_bytes) {
            const float* const values = columns.values + row * kColumns + c;
            if (store_ == Store::bf16) {
              kernels_.to_bf16(values, kHeadSize, reinterpret_cast<std::uint16_t*>(to));
            } else {
              std::memcpy(to, values, kHeadSize * sizeof(float));
            }
          }
        }
      };
      multiply_tile(kernels_, linear, {own.formed.data(), n_state}, tile.n, own.columns.as<float>(), keep);
    }
  });
}

std::map<std::string, int> WindowProjections::kernel_names() const {
  std::map<std::string, int> names;
  for (const Linear& linear : linears_) {
    ++names[linear.kernel_name(kernels_)];
  }
  return names;
}

}  // namespace sotto::engine
