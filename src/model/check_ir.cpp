#include "model/check_ir.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "model/safetensors.h"
#include "sotto/error.h"

namespace sotto::model {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text;
}

/// The place of the next tag of this name, whatever its attributes.
std::size_t find_tag(std::string_view text, std::string_view tag, std::size_t from) {
  std::size_t at = text.find(tag, from);
  while (at != std::string_view::npos &&
         (at + tag.size() == text.size() || kBlanks.find(text[at + tag.size()]) == std::string_view::npos)) {
    at = text.find(tag, at + 1);
  }
  return at;
}

/// The tag that begins here, without its end.
std::string_view tag_at(std::string_view text, std::size_t at) {
  return at == std::string_view::npos ? std::string_view() : text.substr(at, text.find('>', at) - at);
}

/// The value of an attribute of a tag, empty where there is none.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const bool begins = at > 0 && kBlanks.find(tag[at - 1]) != std::string_view::npos;
    std::string_view rest = without_blanks(tag.substr(at + name.size()));
    if (!begins || !rest.starts_with('=')) {
      continue;
    }
    rest = without_blanks(rest.substr(1));
    if (rest.starts_with('"') || rest.starts_with('\'')) {
      return rest.substr(1, rest.find(rest.front(), 1) - 1);
    }
  }
  return {};
}

/// OpenVINO tells files of its own by this much and gives all others to the readers of other frameworks.
bool begins_as_ir(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  text = without_blanks(text);
  if (text.starts_with("<?xml")) {
    text = without_blanks(text.substr(std::min(text.find("?>"), text.size() - 2) + 2));
  }
  const std::string_view version = attribute(tag_at(text, 0), "version");
  return find_tag(text, "<net", 0) == 0 && (version == "10" || version == "11");
}

/// OpenVINO takes names of operations in capitals and small letters alike.
bool is_state(std::string_view type) {
  const auto is = [&](std::string_view name) {
    return std::ranges::equal(
        type, name, [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  };
  return is("ReadValue") || is("Assign");
}

/// What is not as a layer must be, or nothing.
std::string_view damage_of(std::string_view layer) {
  const std::string_view head = tag_at(layer, 0);
  if (attribute(head, "type").find('&') != std::string_view::npos) {
    return "expected a type of letters, found other characters";
  }
  if (!is_state(attribute(head, "type"))) {
    return {};
  }
  const std::size_t data = find_tag(layer, "<data", 0);
  const bool is_first = layer.substr(0, data).find('<', 1) == std::string_view::npos;
  return is_first && !attribute(tag_at(layer, data), "variable_id").empty()
             ? ""
             : "expected a variable_id of a state, found none";
}

}  // namespace

void check_ir(const std::filesystem::path& xml) {
  const MappedFile file(xml);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (!begins_as_ir(text)) {
    throw Error(ErrorCode::bad_format, xml.string(),
                "expected an OpenVINO model as XML, of version 10 or 11, found something else.");
  }
  std::size_t n_layers = 0;
  for (std::size_t at = find_tag(text, "<layer", 0); at != std::string_view::npos; ++n_layers) {
    const std::size_t next = find_tag(text, "<layer", at + 1);
    if (const std::string_view damage = damage_of(text.substr(at, next - at)); !damage.empty()) {
      throw Error(ErrorCode::bad_format, xml.string(), fmt::format("layer {}: {}.", n_layers, damage));
    }
    at = next;
  }
}

}  // namespace sotto::model
