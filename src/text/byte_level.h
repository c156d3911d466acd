#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sotto::text {

/// The bytes a byte-level vocabulary entry stands for ("Ġcafé" spelled in GPT-2's printable alphabet), or
/// nullopt if it holds a character outside that alphabet. Source: openai/gpt-2 encoder.py, bytes_to_unicode.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

}  // namespace sotto::text
