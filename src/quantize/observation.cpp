#include "quantize/observation.h"

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "core/parallel.h"
#include "quantize/ignored_patterns.h"
#include "quantize/op_table.h"
#include "quantize/placement.h"
#include "quantize/statistics_op.h"
#include "quantize/weights.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

std::size_t static_rank(const Tensor& tensor) {
  if (tensor.get_partial_shape().rank().is_dynamic()) {
    throw Error(ErrorCode::bad_format, tensor.get_node()->get_friendly_name(),
                "expected a tensor of known rank to quantize, found dynamic rank; reshape the model first.");
  }
  return static_cast<std::size_t>(tensor.get_partial_shape().rank().get_length());
}

class Finder {
 public:
  Finder(const InferenceGraph& graph, bool attention_inputs) : graph_(graph) {
    options_.attention_inputs = attention_inputs;
    options_.outputs = true;
  }

  std::vector<Observation> run() {
    // Layers with weights first: their inputs are kept by channel, which serves every other use of the
    // tensor.
    for (const auto& node : graph_.nodes()) {
      if (graph_.contains(*node)) {
        observe_layer(*node);
      }
    }
    const auto ignored = match_ignored_patterns(graph_);
    for (const auto& node : graph_.nodes()) {
      const bool candidate = graph_.contains(*node) && !ignored.contains(node.get());
      if (!candidate || is_ignored_in_transformers(*node)) {
        continue;
      }
      for (const Edge& edge : quantizable_inputs(graph_, *node, options_)) {
        climb(edge.get_source_output());
      }
    }
    return std::move(found_);
  }

 private:
  void observe_layer(ov::Node& node) {
    const Weight* weight = graph_.weight(node);
    if (weight == nullptr || !(is_matmul(node) || is_convolution(node))) {
      return;
    }
    const std::size_t port = 1 - weight->port;
    const Tensor input = node.input_value(port);
    if (!graph_.contains(*input.get_node())) {
      return;
    }
    const std::size_t axis = activation_channel_axis(node, port, static_rank(input));
    if (is_matmul(node)) {
      observe(input, axis, weight->shape[*weight->input_axis], Site::Keep::channels);
    } else if (input.get_partial_shape()[static_cast<std::ptrdiff_t>(axis)].is_static()) {
      const auto n = static_cast<std::size_t>(input.get_partial_shape()[1].get_length());
      observe(input, axis, n, Site::Keep::channels, true);
    }
    if (type_name(node) == "Convolution" && find_bias(graph_, node)) {
      observe(node.output(0), 1, weight->shape[0], Site::Keep::mean);
    }
  }

  /// Everywhere a quantizer of `tensor` could come to sit.
  void climb(const Tensor& tensor) {
    const Tensor root = value_root(tensor);
    if (!graph_.contains(*root.get_node()) || !visited_.insert(root).second) {
      return;
    }
    if (!with_extremes_.contains(root)) {
      static_rank(root);
      observe(root, StatisticsOp::kWholeTensor, 1, Site::Keep::tensor);
    }
    ov::Node& node = *root.get_node();
    if ((is_agnostic(node) && !graph_.is_embedding(node)) || type_name(node) == "Concat") {
      for (const Edge& edge : graph_.data_inputs(node)) {
        climb(edge.get_source_output());
      }
    }
  }

  void observe(
      const Tensor& tensor, std::int64_t axis, std::size_t n_channels, Site::Keep keep, bool shape = false) {
    if (!seen_.emplace(tensor, axis).second) {
      return;
    }
    if (keep != Site::Keep::mean) {
      with_extremes_.insert(value_root(tensor));
    }
    const Site site{tensor.get_node()->get_friendly_name(), tensor.get_index(), axis, n_channels, keep};
    found_.push_back({tensor, site, shape});
  }

  const InferenceGraph& graph_;
  PlacementOptions options_;
  std::set<Tensor> visited_;
  std::set<Tensor> with_extremes_;
  std::set<std::pair<Tensor, std::int64_t>> seen_;
  std::vector<Observation> found_;
};

std::uint64_t mix(std::uint64_t hash, const void* data, std::size_t n_bytes) {
  constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15ULL;
  const char* bytes = static_cast<const char*>(data);
  for (; n_bytes >= 8; n_bytes -= 8, bytes += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 29;
  }
  std::uint64_t tail = n_bytes;
  std::memcpy(&tail, bytes, n_bytes);
  hash = (hash ^ tail ^ (static_cast<std::uint64_t>(n_bytes) << 56)) * kPrime;
  return hash ^ (hash >> 32);
}

std::uint64_t mix(std::uint64_t hash, const std::string& text) {
  return mix(hash, text.data(), text.size());
}

}  // namespace

std::vector<Observation> find_observations(const InferenceGraph& graph, bool attention_inputs) {
  return Finder(graph, attention_inputs).run();
}

Tensor value_root(const Tensor& tensor) {
  Tensor root = tensor;
  while (keeps_all_values(*root.get_node())) {
    root = root.get_node()->input_value(0);
  }
  return root;
}

std::uint64_t model_hash(const InferenceGraph& graph) {
  std::vector<std::shared_ptr<ov::op::v0::Constant>> constants;
  for (const auto& node : graph.nodes()) {
    if (auto constant = std::dynamic_pointer_cast<ov::op::v0::Constant>(node)) {
      constants.push_back(std::move(constant));
    }
  }
  std::vector<std::uint64_t> of_values(constants.size());
  parallel_each(constants.size(), kMaxThreads, [&](std::size_t i) {
    of_values[i] = mix(0, constants[i]->get_data_ptr(), constants[i]->get_byte_size());
  });
  std::uint64_t hash = mix(graph.nodes().size(), of_values.data(), of_values.size() * sizeof(std::uint64_t));
  for (const auto& node : graph.nodes()) {
    hash = mix(hash, node->get_friendly_name());
    hash = mix(hash, std::string(node->get_type_info().name));
    for (const Tensor& output : node->outputs()) {
      hash = mix(hash, output.get_partial_shape().to_string());
    }
  }
  return hash;
}

}  // namespace sotto::quantize
