#include "model/stateful.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openvino/core/graph_util.hpp>
#include <openvino/op/add.hpp>
#include <openvino/op/assign.hpp>
#include <openvino/op/broadcast.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/convert.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/range.hpp>
#include <openvino/op/read_value.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/scaled_dot_product_attention.hpp>
#include <openvino/op/shape_of.hpp>
#include <openvino/op/squeeze.hpp>
#include <openvino/op/util/variable.hpp>

#include "model/cross_attention.h"
#include "model/layers.h"
#include "sotto/error.h"

namespace sotto::model {
namespace {

using ov::op::v0::Constant;
using ov::op::v0::Parameter;
using Attention = ov::op::v13::ScaledDotProductAttention;

/// "key" and "value" in turn, as every layout orders caches.
std::string variable_id(std::size_t index, const char* side) {
  const char* kind = index % 2 == 0 ? "key" : "value";
  return fmt::format("past_key_values.{0}.{1}.{2}present.{0}.{1}.{2}", index / 2, side, kind);
}

/// Replaces caches of a graph by state.
class StateMaker {
 public:
  explicit StateMaker(const Value& input_ids) {
    auto beam_idx = std::make_shared<Parameter>(ov::element::i32, ov::PartialShape{-1});
    beam_idx->output(0).set_names({"beam_idx"});
    beam_idx->set_friendly_name("beam_idx");
    beam_idx_ = beam_idx;
    batch_ = size_of(input_ids, 0, "state/batch");
  }

  const std::shared_ptr<Parameter>& beam_idx() const { return beam_idx_; }
  const ov::SinkVector& sinks() const { return sinks_; }

  /// `past` becomes what the steps before left in `present`, in the order of beam_idx; at first its axis of
  /// tokens, the one besides the batch that is not fixed, is zero long.
  Value keep_cache(const std::shared_ptr<Parameter>& past, const Value& present, std::size_t index) {
    const std::string id = variable_id(index, "decoder");
    const ov::PartialShape shape = past->get_partial_shape();
    const auto readers = past->output(0).get_target_inputs();
    const Value zero = named(Constant::create(ov::element::f32, {}, {0.0F}), id + "/zero");
    const Value empty =
        named(std::make_shared<ov::op::v3::Broadcast>(zero, empty_shape(shape, id)), id + "/empty");
    const auto [read, variable] = read_value(empty, shape, id);
    const Value axis = int_scalar(0, id + "/axis");
    const Value ordered = named(std::make_shared<ov::op::v8::Gather>(read, beam_idx_, axis), id + "/Gather");
    for (auto reader : readers) {
      reader.replace_source_output(ordered);
    }
    const Value grown = present.get_node() == past.get() ? ordered : present;
    assign(grown, variable, id);
    return read;
  }

  /// Computes `value` at the first inference after a reset only; `readers` read what was kept.
  void keep_once(const Value& value,
                 const std::vector<ov::Input<ov::Node>>& readers,
                 const ov::PartialShape& shape,
                 std::size_t index) {
    const std::string id = variable_id(index, "encoder");
    const auto [read, variable] = read_value(value, shape, id);
    for (auto reader : readers) {
      reader.replace_source_output(read);
    }
    assign(read, variable, id);
  }

  /// x.shape[axis] as a list of one.
  static Value size_of(const Value& x, std::int64_t axis, const std::string& name) {
    const Value shape = named(std::make_shared<ov::op::v3::ShapeOf>(x, ov::element::i64), name + "/ShapeOf");
    return named(std::make_shared<ov::op::v8::Gather>(shape, int_list({axis}, name + "/index"),
                                                      int_scalar(0, name + "/axis")),
                 name + "/Gather");
  }

 private:
  using Variable = std::shared_ptr<ov::op::util::Variable>;

  std::pair<Value, Variable> read_value(const Value& initial,
                                        const ov::PartialShape& shape,
                                        const std::string& id) {
    const auto variable = std::make_shared<ov::op::util::Variable>(
        ov::op::util::VariableInfo{shape, initial.get_element_type(), id});
    return {named(std::make_shared<ov::op::v6::ReadValue>(initial, variable), id + "/ReadValue"), variable};
  }

  void assign(const Value& content, const Variable& variable, const std::string& id) {
    auto sink = std::make_shared<ov::op::v6::Assign>(content, variable);
    sink->set_friendly_name(id + "/Assign");
    sinks_.push_back(std::move(sink));
  }

  /// The batch first, fixed sizes as they are, 0 for the tokens.
  Value empty_shape(const ov::PartialShape& shape, const std::string& id) const {
    std::vector<std::int64_t> rest;
    for (std::size_t i = 1; i < shape.size(); ++i) {
      rest.push_back(shape[i].is_static() ? shape[i].get_length() : 0);
    }
    return named(
        std::make_shared<ov::op::v0::Concat>(ov::OutputVector{batch_, int_list(rest, id + "/rest")}, 0),
        id + "/empty_shape");
  }

  std::shared_ptr<Parameter> beam_idx_;
  Value batch_;
  ov::SinkVector sinks_;
};

/// Names cross-attention as openvino.genai looks for it, and gives it the mask whose sum is its tap.
void name_cross_attention(const ov::Model& decoder) {
  constexpr std::size_t kMask = 3;
  const auto nodes = cross_attention_nodes(decoder);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string name = fmt::format("model.decoder.layers.{}.encoder_attn", i);
    std::shared_ptr<ov::Node> node = nodes[i];
    if (node->get_input_size() == kMask) {
      const Value no_mask = named(Constant::create(ov::element::f32, {}, {0.0F}), name + "/no_mask");
      node = std::make_shared<Attention>(node->input_value(0), node->input_value(1), node->input_value(2),
                                         no_mask, false);
      ov::replace_node(nodes[i], node);
    }
    node->set_friendly_name(name + "/ScaledDotProductAttention");
  }
}

std::shared_ptr<Parameter> parameter(const ov::Output<ov::Node>& input) {
  return ov::as_type_ptr<Parameter>(input.get_node_shared_ptr());
}

/// Where values that follow from the window alone meet the tokens: each with those who read it, in the order
/// they are read.
std::vector<std::pair<Value, std::vector<ov::Input<ov::Node>>>> window_frontier(const ov::Model& decoder) {
  const auto heard = window_nodes(decoder);
  std::vector<std::pair<Value, std::vector<ov::Input<ov::Node>>>> frontier;
  for (const auto& node : decoder.get_ordered_ops()) {
    if (heard.contains(node.get())) {
      continue;
    }
    for (const auto& input : node->inputs()) {
      const Value source = input.get_source_output();
      if (!heard.contains(source.get_node()) || !source.get_element_type().is_real()) {
        continue;
      }
      const auto known = std::find_if(frontier.begin(), frontier.end(),
                                      [&](const auto& item) { return item.first == source; });
      if (known == frontier.end()) {
        frontier.push_back({source, {input}});
      } else {
        known->second.push_back(input);
      }
    }
  }
  return frontier;
}

ov::Output<const ov::Node> find_port(const std::vector<ov::Output<const ov::Node>>& ports,
                                     const std::string& name,
                                     const std::string& where) {
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const auto& port) { return port.get_names().contains(name); });
  if (found == ports.end()) {
    throw Error(ErrorCode::bad_format, where, fmt::format("expected \"{}\", found none.", name));
  }
  return *found;
}

/// The value that a result hands out.
Value result_source(const ov::Model& model, const std::string& name, const std::string& where) {
  return find_port(model.outputs(), name, where).get_node()->input_value(0);
}

std::shared_ptr<Parameter> input_parameter(const ov::Model& model,
                                           const std::string& name,
                                           const std::string& where) {
  const ov::Node* node = find_port(model.inputs(), name, where).get_node();
  for (const auto& one : model.get_parameters()) {
    if (one.get() == node) {
      return one;
    }
  }
  return nullptr;
}

bool has_input(const ov::Model& model, const std::string& name) {
  const auto inputs = model.inputs();
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const auto& input) { return input.get_names().contains(name); });
}

/// Older exports ask for the positions of the new tokens: n_past ... n_past + n_tokens - 1.
void compute_cache_position(const ov::Model& decoder, const Value& past, const Value& input_ids) {
  const std::string name = "cache_position";
  const Value n_past = StateMaker::size_of(past, 2, name + "/n_past");
  const Value n_tokens = StateMaker::size_of(input_ids, 1, name + "/n_tokens");
  const auto scalar = [&](const Value& list, const std::string& what) {
    return named(std::make_shared<ov::op::v0::Squeeze>(list, int_list({0}, name + what + "/axes")),
                 name + what);
  };
  const Value first = scalar(n_past, "/first");
  const Value last = scalar(add(n_past, n_tokens, name + "/n_total"), "/last");
  const Value positions =
      named(std::make_shared<ov::op::v4::Range>(first, last, int_scalar(1, name + "/step"), ov::element::i64),
            name + "/Range");
  input_parameter(decoder, name, name)->output(0).replace(positions);
}

}  // namespace

std::shared_ptr<ov::Model> lift_decoder(const ov::Model& decoder) {
  const auto model = decoder.clone();
  const auto inputs = model->inputs();
  const auto outputs = model->outputs();
  const auto frontier = window_frontier(*model);
  const auto is_window = [&](const auto& item) { return item.first.get_node() == inputs[1].get_node(); };
  if (frontier.empty() || std::any_of(frontier.begin(), frontier.end(), is_window)) {
    throw Error(ErrorCode::unsupported, model->get_friendly_name(),
                "expected keys and values that follow from the encoder's output alone, found none.");
  }
  StateMaker states(inputs[0]);
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const auto& [value, readers] = frontier[i];
    states.keep_once(value, readers, value.get_partial_shape(), i);
  }
  for (std::size_t i = 0; i + 2 < inputs.size(); ++i) {
    states.keep_cache(parameter(inputs[i + 2]), outputs[i + 1].get_node()->input_value(0), i);
  }
  const auto logits = std::make_shared<ov::op::v0::Result>(outputs[0].get_node()->input_value(0));
  logits->set_friendly_name("logits");
  logits->input_value(0).set_names({"logits"});
  auto lifted = std::make_shared<ov::Model>(
      ov::ResultVector{logits}, states.sinks(),
      ov::ParameterVector{parameter(inputs[0]), parameter(inputs[1]), states.beam_idx()}, "whisper_decoder");
  lifted->get_rt_info() = model->get_rt_info();
  name_cross_attention(*lifted);
  return lifted;
}

std::shared_ptr<ov::Model> merge_decoders(const ov::Model& first, const ov::Model& with_past) {
  const auto source = first.clone();
  const auto model = with_past.clone();
  const std::string where = "openvino_decoder_with_past_model.xml";
  const std::string first_where = "openvino_decoder_model.xml";
  const auto input_ids = input_parameter(*model, "input_ids", where);
  const auto window = input_parameter(*source, "encoder_hidden_states", first_where);
  if (has_input(*model, "encoder_hidden_states")) {
    input_parameter(*model, "encoder_hidden_states", where)->output(0).replace(window);
  }
  const auto heard = window_nodes(*source);
  input_parameter(*source, "input_ids", first_where)->output(0).replace(input_ids);  // some ask for its batch
  StateMaker states(input_ids);
  Value first_cache;
  for (std::size_t i = 0; has_input(*model, fmt::format("past_key_values.{}.decoder.key", i / 2)); ++i) {
    const char* kind = i % 2 == 0 ? "key" : "value";
    const auto port = [&](const char* prefix, const char* side) {
      return fmt::format("{}.{}.{}.{}", prefix, i / 2, side, kind);
    };
    const auto self = input_parameter(*model, port("past_key_values", "decoder"), where);
    const Value read = states.keep_cache(self, result_source(*model, port("present", "decoder"), where), i);
    first_cache = i == 0 ? read : first_cache;
    const auto cross = input_parameter(*model, port("past_key_values", "encoder"), where);
    const Value projected = result_source(*source, port("present", "encoder"), first_where);
    if (!heard.contains(projected.get_node())) {
      throw Error(ErrorCode::unsupported, first_where,
                  fmt::format("expected \"{}\" to follow from the encoder's output alone.",
                              port("present", "encoder")));
    }
    const auto readers = cross->output(0).get_target_inputs();
    states.keep_once(projected, {readers.begin(), readers.end()}, cross->get_partial_shape(), i);
  }
  if (!first_cache.get_node()) {
    throw Error(ErrorCode::bad_format, where, "expected \"past_key_values.0.decoder.key\", found none.");
  }
  if (has_input(*model, "cache_position")) {
    compute_cache_position(*model, first_cache, input_ids);
  }
  const auto logits = std::make_shared<ov::op::v0::Result>(result_source(*model, "logits", where));
  logits->set_friendly_name("logits");
  auto merged = std::make_shared<ov::Model>(ov::ResultVector{logits}, states.sinks(),
                                            ov::ParameterVector{input_ids, window, states.beam_idx()},
                                            "whisper_decoder");
  merged->get_rt_info() = model->get_rt_info();
  name_cross_attention(*merged);
  return merged;
}

}  // namespace sotto::model
