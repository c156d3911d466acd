#include "transcribe/window_keys.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <openvino/op/convert.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/util/assign_base.hpp>
#include <openvino/op/util/read_value_base.hpp>

#include "model/cross_attention.h"

namespace sotto::transcribe {
namespace {

using ov::op::util::ReadValueBase;
using Parameter = ov::op::v0::Parameter;
using Nodes = std::unordered_set<const ov::Node*>;

constexpr const char* kWindow = "encoder_hidden_states";

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

/// True if a state is written back as it was read.
bool is_kept(const ReadValueBase& state) {
  const auto readers = state.output(0).get_target_inputs();
  return std::any_of(readers.begin(), readers.end(), [&](const ov::Input<ov::Node>& reader) {
    const auto* const assign = dynamic_cast<const ov::op::util::AssignBase*>(reader.get_node());
    return assign != nullptr && assign->get_variable_id() == state.get_variable_id();
  });
}

/// Adds the node and all that it follows from.
void add_sources(const ov::Node* node, Nodes& sources) {
  if (sources.insert(node).second) {
    for (const auto& input : node->input_values()) {
      add_sources(input.get_node(), sources);
    }
  }
}

/// True if the window and what is made of it are read on the way to these states only, and nothing else is
/// read there, not even how many tokens there are.
bool are_apart(const std::vector<std::shared_ptr<ReadValueBase>>& states, const Nodes& heard) {
  Nodes sources;
  for (const auto& state : states) {
    add_sources(state->get_input_node_ptr(0), sources);
  }
  const auto is_entry = [&](const ov::Node* node) {
    return std::any_of(states.begin(), states.end(), [&](const auto& state) { return state.get() == node; });
  };
  return std::all_of(sources.begin(), sources.end(), [&](const ov::Node* node) {
    if (!heard.contains(node)) {
      return !ov::is_type<Parameter>(node);
    }
    const auto users = node->get_users();
    return std::all_of(users.begin(), users.end(), [&](const auto& user) {
      return sources.contains(user.get()) || is_entry(user.get());
    });
  });
}

ov::Output<ov::Node> converted(const ov::Output<ov::Node>& value, ov::element::Type type) {
  return value.get_element_type() == type ? value : std::make_shared<ov::op::v0::Convert>(value, type);
}

/// What the states begin with, as a model of its own over a copy of the nodes.
std::shared_ptr<ov::Model> projections_of(const ov::Model& decoder, ov::element::Type type) {
  const auto copy = decoder.clone();
  ov::ResultVector results;
  for (const auto& state : window_states(*copy, model::window_nodes(*copy))) {
    results.push_back(std::make_shared<ov::op::v0::Result>(converted(state->input_value(0), type)));
  }
  const auto window = ov::as_type_ptr<Parameter>(copy->input(kWindow).get_node_shared_ptr());
  return std::make_shared<ov::Model>(results, ov::ParameterVector{window}, "window");
}

constexpr const char* kInputPrefix = "window_keys.";

std::string input_name(std::size_t i) {
  return kInputPrefix + std::to_string(i);
}

void replace_state(ov::Model& decoder,
                   const std::shared_ptr<ReadValueBase>& state,
                   const std::shared_ptr<Parameter>& input) {
  for (const auto& sink : decoder.get_sinks()) {
    const auto assign = std::dynamic_pointer_cast<ov::op::util::AssignBase>(sink);
    if (assign && assign->get_variable_id() == state->get_variable_id()) {
      decoder.remove_sink(sink);
    }
  }
  state->output(0).replace(converted(input->output(0), state->get_output_element_type(0)));
  decoder.remove_variable(state->get_variable());
  decoder.add_parameters({input});
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

std::shared_ptr<ov::Model> split_off_window(ov::Model& decoder, ov::element::Type type) {
  const Nodes heard = model::window_nodes(decoder);
  const auto states = window_states(decoder, heard);
  const bool are_kept = std::all_of(states.begin(), states.end(), [](const auto& s) { return is_kept(*s); });
  if (states.empty() || !are_kept || !are_apart(states, heard)) {
    return nullptr;
  }
  auto projections = projections_of(decoder, type);
  std::size_t n_inputs = 0;
  for (const auto& state : states) {
    const auto input = std::make_shared<Parameter>(type, state->get_output_partial_shape(0));
    input->output(0).set_names({input_name(n_inputs++)});
    replace_state(decoder, state, input);
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
