#include "quantize/ignored_scope.h"

#include <regex>
#include <string>

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
  return ignored;
}

}  // namespace sotto::quantize
