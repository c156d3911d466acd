#include "transcribe/window_keys.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/fake_quantize.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/op/util/assign_base.hpp>
#include <openvino/op/util/read_value_base.hpp>

#include "model/cross_attention.h"

namespace sotto::transcribe {
namespace {

using ov::op::util::ReadValueBase;
using Parameter = ov::op::v0::Parameter;
using Nodes = std::unordered_set<const ov::Node*>;

constexpr const char* kWindow = "encoder_hidden_states";
constexpr const char* kTokens = "input_ids";

/// The states that begin with what is made of the window alone.
std::vector<std::shared_ptr<ReadValueBase>> window_states(const ov::Model& decoder, const Nodes& heard) {
  std::vector<std::shared_ptr<ReadValueBase>> found;
  for (const auto& node : decoder.get_ordered_ops()) {
    auto state = std::dynamic_pointer_cast<ReadValueBase>(node);
    if (state && state->get_input_size() == 1 && heard.contains(state->get_input_node_ptr(0))) {
      found.push_back(std::move(state));
    }
  }
  return found;
}

bool writes(const ov::Node& node, const ReadValueBase& state) {
  const auto* const assign = dynamic_cast<const ov::op::util::AssignBase*>(&node);
  return assign != nullptr && assign->get_variable_id() == state.get_variable_id();
}

/// True if a state is written back as it was read.
bool is_kept(const ReadValueBase& state) {
  const auto readers = state.output(0).get_target_inputs();
  return std::ranges::any_of(readers, [&](const auto& reader) { return writes(*reader.get_node(), state); });
}

/// A value of the window that attention reads, and where.
struct Attended {
  ov::Output<ov::Node> value;
  std::vector<ov::Input<ov::Node>> readers;
};

/// Products take one window for all rows, as attention does.
bool is_attention(const ov::Node& node) {
  return ov::is_type<ov::op::v13::ScaledDotProductAttention>(&node) || ov::is_type<ov::op::v0::MatMul>(&node);
}

/// What attention to tokens' queries reads of the window, in the order in which it is read.
std::vector<Attended> attended_of(const ov::Model& decoder, const Nodes& heard) {
  std::vector<Attended> found;
  for (const auto& node : decoder.get_ordered_ops()) {
    if (heard.contains(node.get()) || !is_attention(*node)) {
      continue;
    }
    for (const auto& value : node->input_values()) {
      if (heard.contains(value.get_node()) &&
          std::ranges::find(found, value, &Attended::value) == found.end()) {
        found.push_back({value, {}});
      }
    }
  }
  for (Attended& one : found) {
    for (const auto& reader : one.value.get_target_inputs()) {
      if (!heard.contains(reader.get_node())) {
        one.readers.push_back(reader);
      }
    }
  }
  return found;
}

/// Has those who ask for the shape of what is rounded before attention ask for that of what comes out.
void ask_behind_rounding(const ov::Model& decoder, const Nodes& heard) {
  for (const auto& node : decoder.get_ordered_ops()) {
    if (!heard.contains(node.get()) || !ov::is_type<ov::op::v0::FakeQuantize>(node)) {
      continue;
    }
    for (auto reader : node->input_value(0).get_target_inputs()) {
      if (ov::is_type<ov::op::v3::ShapeOf>(reader.get_node())) {
        reader.replace_source_output(node);
      }
    }
  }
}

/// Adds the node and all that it follows from.
void add_sources(const ov::Node* node, Nodes& sources) {
  if (sources.insert(node).second) {
    for (const auto& input : node->input_values()) {
      add_sources(input.get_node(), sources);
    }
  }
}

/// True if the window and what is made of it are read on the way to what is attended to only, and nothing
/// else is read there but how many rows there are.
bool are_apart(const std::vector<Attended>& attended, const Nodes& heard, const ov::Node* tokens) {
  Nodes sources;
  Nodes readers;
  for (const Attended& one : attended) {
    add_sources(one.value.get_node(), sources);
    for (const auto& reader : one.readers) {
      readers.insert(reader.get_node());
    }
  }
  return std::ranges::all_of(sources, [&](const ov::Node* node) {
    if (!heard.contains(node)) {
      return !ov::is_type<Parameter>(node) || node == tokens;
    }
    const auto users = node->get_users();
    const auto* const state = dynamic_cast<const ReadValueBase*>(node);
    return std::ranges::all_of(users, [&](const auto& user) {
      return sources.contains(user.get()) || readers.contains(user.get()) ||
             (state != nullptr && writes(*user, *state));
    });
  });
}

ov::Output<ov::Node> converted(const ov::Output<ov::Node>& value, ov::element::Type type) {
  return value.get_element_type() == type ? value : std::make_shared<ov::op::v0::Convert>(value, type);
}

/// What is attended to, as a model of its own over a copy of the nodes: the window in, [1, n_frames,
/// n_state].
std::shared_ptr<ov::Model> projections_of(const ov::Model& decoder,
                                          ov::element::Type type,
                                          const ov::Shape& window_shape) {
  const auto copy = decoder.clone();
  const Nodes heard = model::window_nodes(*copy);
  ov::ResultVector results;
  for (const Attended& one : attended_of(*copy, heard)) {
    results.push_back(std::make_shared<ov::op::v0::Result>(converted(one.value, type)));
  }
  for (const auto& state : window_states(*copy, heard)) {
    state->output(0).replace(state->input_value(0));
  }
  // Exports that ask the tokens for the number of rows: a window is one.
  copy->input(kTokens).get_node()->output(0).replace(
      ov::op::v0::Constant::create(ov::element::i64, {1, 1}, {0}));
  const auto window = ov::as_type_ptr<Parameter>(copy->input(kWindow).get_node_shared_ptr());
  auto projections = std::make_shared<ov::Model>(results, ov::ParameterVector{window}, "window");
  projections->reshape(ov::PartialShape(window_shape));
  return projections;
}

/// Heads of one window each, of sizes that are known.
bool are_of_one_window(const ov::Model& projections) {
  const auto outputs = projections.outputs();
  return std::ranges::all_of(outputs, [](const auto& output) {
    const ov::PartialShape& shape = output.get_partial_shape();
    return shape.is_static() && shape.size() == 4 && shape[0] == 1;
  });
}

constexpr const char* kInputPrefix = "window_keys.";

std::string input_name(std::size_t i) {
  return kInputPrefix + std::to_string(i);
}

void remove_state(ov::Model& decoder, const std::shared_ptr<ReadValueBase>& state) {
  const ov::SinkVector sinks = decoder.get_sinks();
  for (const auto& sink : sinks) {
    if (writes(*sink, *state)) {
      decoder.remove_sink(sink);
    }
  }
  decoder.remove_variable(state->get_variable());
}

/// The part of a tensor that is of some windows, in place.
ov::Tensor windows_of(const ov::Tensor& tensor, std::size_t first, std::size_t n) {
  ov::Coordinate begin(tensor.get_shape().size(), 0);
  ov::Coordinate end = tensor.get_shape();
  begin[0] = first;
  end[0] = first + n;
  return {tensor, begin, end};
}

}  // namespace

bool keeps_window(const ov::Model& decoder) {
  return !window_states(decoder, model::window_nodes(decoder)).empty();
}

std::shared_ptr<ov::Model> split_off_window(ov::Model& decoder,
                                            ov::element::Type type,
                                            const ov::Shape& window_shape) {
  const Nodes heard = model::window_nodes(decoder);
  ask_behind_rounding(decoder, heard);
  const auto states = window_states(decoder, heard);
  const auto attended = attended_of(decoder, heard);
  const bool are_kept = std::ranges::all_of(states, [](const auto& state) { return is_kept(*state); });
  if (attended.empty() || !are_kept || !are_apart(attended, heard, decoder.input(kTokens).get_node())) {
    return nullptr;
  }
  auto projections = projections_of(decoder, type, window_shape);
  if (!are_of_one_window(*projections)) {
    return nullptr;
  }
  for (std::size_t i = 0; i < attended.size(); ++i) {
    const auto& [value, readers] = attended[i];
    const auto input = std::make_shared<Parameter>(type, value.get_partial_shape());
    input->output(0).set_names({input_name(i)});
    const auto read = converted(input->output(0), value.get_element_type());
    for (auto reader : readers) {
      reader.replace_source_output(read);
    }
    decoder.add_parameters({input});
  }
  for (const auto& state : states) {
    remove_state(decoder, state);
  }
  decoder.remove_parameter(ov::as_type_ptr<Parameter>(decoder.input(kWindow).get_node_shared_ptr()));
  decoder.validate_nodes_and_infer_types();
  return projections;
}

WindowKeys::WindowKeys(const ov::Model& projections, Project project)
    : project_(std::move(project)), tensors_(projections.outputs().size()) {
  for (const auto& output : projections.outputs()) {
    types_.push_back(output.get_element_type());
    shapes_.push_back(output.get_shape());
  }
}

void WindowKeys::resize(std::size_t n_windows) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    ov::Shape shape = shapes_[i];
    shape[0] = n_windows;
    if (!tensors_[i] || tensors_[i].get_shape() != shape) {
      tensors_[i] = ov::Tensor(types_[i], shape);
    }
  }
}

void WindowKeys::hear(const ov::Tensor& hidden_states, std::size_t window) {
  std::vector<ov::Tensor> keys;
  for (const ov::Tensor& tensor : tensors_) {
    keys.push_back(windows_of(tensor, window, 1));
  }
  project_(hidden_states, keys);
}

std::size_t WindowKeys::index_of(const std::string& input_name) {
  return std::stoul(input_name.substr(std::string_view(kInputPrefix).size()));
}

void WindowKeys::swap(std::size_t window, std::size_t other) {
  for (ov::Tensor& tensor : tensors_) {
    const std::size_t n_bytes = tensor.get_byte_size() / tensor.get_shape()[0];
    auto* const bytes = static_cast<std::byte*>(tensor.data());
    std::swap_ranges(bytes + window * n_bytes, bytes + (window + 1) * n_bytes, bytes + other * n_bytes);
  }
}

void WindowKeys::bind(ov::InferRequest& decoder, std::size_t first_window, std::size_t n_windows) const {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    decoder.set_tensor(input_name(i), windows_of(tensors_[i], first_window, n_windows));
  }
}

}  // namespace sotto::transcribe
