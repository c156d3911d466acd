#include "quantize/ignored_scope.h"

#include <algorithm>
#include <regex>
#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "quantize/op_table.h"
#include "sotto/error.h"

namespace sotto::quantize {
namespace {

constexpr const char* kWhere = "ignored_scope";

template <typename Matches>
void match(const InferenceGraph& graph,
           const std::string& rule,
           bool validate,
           IgnoredNodes& ignored,
           Matches&& matches) {
  bool found = false;
  for (const auto& node : graph.nodes()) {
    if (matches(*node)) {
      found = true;
      ignored.emplace(node.get(), "in the ignored scope: " + rule);
    }
  }
  if (!found && validate) {
    throw Error(ErrorCode::not_found, kWhere,
                fmt::format("expected nodes that match {}, found none in the model.", rule));
  }
}

std::regex compile(const std::string& pattern) {
  try {
    return std::regex(pattern, std::regex::ECMAScript);
  } catch (const std::regex_error& e) {
    throw Error(ErrorCode::invalid_argument, kWhere,
                fmt::format("expected a regular expression, found \"{}\": {}", pattern, e.what()));
  }
}

using NodeSet = std::unordered_set<const ov::Node*>;

/// `starts` and all that depends on them; nodes are in topological order.
NodeSet descendants(const ov::NodeVector& nodes, const NodeSet& starts) {
  NodeSet found = starts;
  for (const auto& node : nodes) {
    for (std::size_t i = 0; i < node->get_input_size(); ++i) {
      if (found.contains(node->get_input_node_ptr(i))) {
        found.insert(node.get());
      }
    }
  }
  return found;
}

/// `ends` and all they depend on.
NodeSet ancestors(const ov::NodeVector& nodes, const NodeSet& ends) {
  NodeSet found = ends;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (found.contains(node->get())) {
      for (std::size_t i = 0; i < (*node)->get_input_size(); ++i) {
        found.insert((*node)->get_input_node_ptr(i));
      }
    }
  }
  return found;
}

NodeSet with_names(const InferenceGraph& graph, const std::vector<std::string>& names) {
  NodeSet found;
  for (const auto& node : graph.nodes()) {
    if (std::ranges::find(names, node->get_friendly_name()) != names.end()) {
      found.insert(node.get());
    }
  }
  return found;
}

}  // namespace

IgnoredNodes match_scope(const InferenceGraph& graph, const IgnoredScope& scope) {
  IgnoredNodes ignored;
  for (const std::string& name : scope.names) {
    match(graph, fmt::format("name \"{}\"", name), scope.validate, ignored,
          [&](const ov::Node& node) { return node.get_friendly_name() == name; });
  }
  for (const std::string& pattern : scope.patterns) {
    const std::regex regex = compile(pattern);
    match(graph, fmt::format("pattern \"{}\"", pattern), scope.validate, ignored, [&](const ov::Node& node) {
      return std::regex_search(node.get_friendly_name(), regex, std::regex_constants::match_continuous);
    });
  }
  for (const std::string& type : scope.types) {
    match(graph, fmt::format("type \"{}\"", type), scope.validate, ignored,
          [&](const ov::Node& node) { return type_name(node) == type; });
  }
  for (const Subgraph& part : scope.subgraphs) {
    const NodeSet below = descendants(graph.nodes(), with_names(graph, part.inputs));
    const NodeSet above = ancestors(graph.nodes(), with_names(graph, part.outputs));
    const std::string rule = fmt::format("subgraph from \"{}\" to \"{}\"", fmt::join(part.inputs, "\", \""),
                                         fmt::join(part.outputs, "\", \""));
    match(graph, rule, scope.validate, ignored,
          [&](const ov::Node& node) { return below.contains(&node) && above.contains(&node); });
  }
  return ignored;
}

}  // namespace sotto::quantize
