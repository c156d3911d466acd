#include "model/check_ir.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "model/safetensors.h"
#include "sotto/error.h"

namespace sotto::model {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool begins_as_ir(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.starts_with("<?xml") || text.starts_with("<net");
}

/// True where an attribute of this name is in the text, whatever its value.
bool has_attribute(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t behind = text.find_first_not_of(kBlanks, at + name.size());
    const bool begins = at > 0 && kBlanks.find(text[at - 1]) != std::string_view::npos;
    if (begins && behind != std::string_view::npos && text[behind] == '=') {
      return true;
    }
  }
  return false;
}

bool is_state(std::string_view layer) {
  constexpr std::string_view kTypes[] = {"\"ReadValue\"", "\"Assign\"", "'ReadValue'", "'Assign'"};
  return std::any_of(std::begin(kTypes), std::end(kTypes),
                     [&](std::string_view type) { return layer.find(type) != std::string_view::npos; });
}

}  // namespace

void check_ir(const std::filesystem::path& xml) {
  const MappedFile file(xml);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (!begins_as_ir(text)) {
    throw Error(ErrorCode::bad_format, xml.string(),
                "expected an OpenVINO model as XML, found something else.");
  }
  constexpr std::string_view kLayer = "<layer ";
  std::size_t n_layers = 0;
  for (std::size_t at = text.find(kLayer); at != std::string_view::npos; ++n_layers) {
    const std::size_t next = text.find(kLayer, at + 1);
    const std::string_view layer = text.substr(at, next - at);
    if (is_state(layer) && !has_attribute(layer, "variable_id")) {
      throw Error(ErrorCode::bad_format, xml.string(),
                  fmt::format("layer {}: expected a variable_id of a state, found none.", n_layers));
    }
    at = next;
  }
}

}  // namespace sotto::model
